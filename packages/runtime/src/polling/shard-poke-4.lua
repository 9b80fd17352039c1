-- Makes a member due as soon as its instance may be asked: after the spacing, and after a
-- Retry-After.
-- KEYS due, watch, busy, poked. ARGV member, instance key, method to ask ('': the usual one).
-- Returns in how many ms that is, -1 if the member is not in the set or was reported as unwatched (see
-- shard-claim).
-- The wish stays in `poked` until it is claimed. After a request under way another one follows (see
-- shard-settle).
if not (redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZSCORE', KEYS[2], ARGV[1])) then return -1 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local busy_until = tonumber(redis.call('ZSCORE', KEYS[3], ARGV[2]) or 0)
local due = math.max(now, busy_until)
redis.call('ZADD', KEYS[1], 'XX', 'LT', due, ARGV[1])
redis.call('HSET', KEYS[4], ARGV[1], ARGV[3])
return due - now
