-- Tells for how long an instance is busy, by the clock that set the time.
-- KEYS busy. ARGV instance key.
-- Returns ms, 0 if it is free.
local busy_until = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 0)
local time = redis.call('TIME')
return math.max(0, busy_until - (time[1] * 1000 + math.floor(time[2] / 1000)))
