-- Holds an instance for a lease, as a claim does, unless it is busy.
-- KEYS busy, claims. ARGV instance key, lease (ms), not after (ms).
-- Returns {1, start of the hold (ms)}, or {0, in how many ms the instance is free}. Returns nil after
--   `not after`, and does nothing (see take-in-time.ts).
-- The start identifies the hold, as the time of a claim does (see shard-claim): whoever claims or
-- holds the instance later overwrites it.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now > tonumber(ARGV[3]) then return nil end
local busy_until = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 0)
if busy_until > now then return { 0, busy_until - now } end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('ZADD', KEYS[2], now, ARGV[1])
return { 1, now }
