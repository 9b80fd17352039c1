-- KEYS due, watch, busy, poked. ARGV member, instance key. Makes the member due as soon as the spacing allows.
-- Returns 1 if that is now. A request under way is followed by another (`poked`, taken by shard-settle).
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local busy_until = tonumber(redis.call('ZSCORE', KEYS[3], ARGV[2]) or 0)
redis.call('ZADD', KEYS[1], 'XX', 'LT', math.max(now, busy_until), ARGV[1])
if busy_until <= now then return 1 end
redis.call('SADD', KEYS[4], ARGV[1])
return 0
