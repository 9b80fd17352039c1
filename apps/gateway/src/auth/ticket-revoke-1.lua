-- KEYS revoked tickets of a tenant, by when they may be forgotten. ARGV ticket, now (ms), forget at (ms), how many there may be.
-- Returns 1 if it is revoked then, 0 if there are too many.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
local known, count = redis.call('ZSCORE', KEYS[1], ARGV[1]), redis.call('ZCARD', KEYS[1])
if not known and count >= tonumber(ARGV[4]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3] - ARGV[2])
return 1
