-- Looks whether a tick of a shard would find something. Writes nothing.
-- KEYS due, busy. ARGV ahead (ms).
-- Returns 0: the shard has no members; 1: none is due yet; 2: one is due by now + ahead, or there is
-- no member, and the time of a busy instance is over, which a tick removes.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if first[1] then return tonumber(first[2]) <= now + ARGV[1] and 2 or 1 end
local busy = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
return busy[1] and tonumber(busy[2]) <= now and 2 or 0
