-- Removes a member that was reported as unwatched, unless somebody watches it again.
-- KEYS due, watch, poked. ARGV member.
-- Returns 1 if it was removed, else 0.
if redis.call('ZSCORE', KEYS[2], ARGV[1]) then return 0 end
redis.call('HDEL', KEYS[3], ARGV[1])
return redis.call('ZREM', KEYS[1], ARGV[1])
