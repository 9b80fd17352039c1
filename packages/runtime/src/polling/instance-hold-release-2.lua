-- Ends a hold: its instance is free after the given time.
-- KEYS busy, claims. ARGV instance key, start of the hold (ms), in how many ms it is free, lease (ms).
-- Returns 1, or 0 if the hold was lost or released; then it does nothing.
-- If the instance is busy for longer than a lease, another request of ours got a Retry-After
-- meanwhile, and that one stays.
if tonumber(redis.call('ZSCORE', KEYS[2], ARGV[1]) or 0) ~= tonumber(ARGV[2]) then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local free_at = now + ARGV[3]
local busy_until = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 0)
if busy_until > now + ARGV[4] then free_at = math.max(free_at, busy_until) end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZADD', KEYS[1], free_at, ARGV[1])
return 1
