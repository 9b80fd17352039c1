-- KEYS busy instances of a shard. ARGV instance key, for how long the request may take (ms).
-- Takes the instance for one request, as a claim of a poll does. Returns {0, now}, or {until when it is somebody else's, now} (ms).
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local busy_until = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 0)
if busy_until > now then return { busy_until, now } end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
return { 0, now }
