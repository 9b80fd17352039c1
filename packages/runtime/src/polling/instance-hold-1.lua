-- Holds an instance for a lease, as a claim does, unless it is busy.
-- KEYS busy. ARGV instance key, lease (ms).
-- Returns {1, end of the hold (ms)}, or {0, in how many ms the instance is free}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local busy_until = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 0)
if busy_until > now then return { 0, busy_until - now } end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
return { 1, now + ARGV[2] }
