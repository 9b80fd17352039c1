-- KEYS due, watch, busy. ARGV member, instance key, watched until (ms), lease (ms).
-- Watches the member; puts it into the due-set unless it is there. Returns in how many ms it can be
-- claimed, -1 if it was there already.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[2], 'GT', ARGV[3], ARGV[1])
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return -1 end
local busy_until = tonumber(redis.call('ZSCORE', KEYS[3], ARGV[2]) or 0)
-- Due now even if its instance is busy: so it is next in line when the instance is free. But not for longer than any lease (see shard-claim):
-- many that come again and again while their provider wants quiet would stand before all others.
local is_quiet = busy_until > now + ARGV[4]
redis.call('ZADD', KEYS[1], is_quiet and math.min(busy_until, now + 10 * ARGV[4]) or now, ARGV[1])
return math.max(0, busy_until - now)
