-- Looks whether a tick of a shard would find something. Writes nothing.
-- KEYS due. ARGV ahead (ms).
-- Returns 0: the shard has no members; 1: none is due yet; 2: one is due by now + ahead.
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if not first[1] then return 0 end
local time = redis.call('TIME')
return tonumber(first[2]) <= time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1] and 2 or 1
