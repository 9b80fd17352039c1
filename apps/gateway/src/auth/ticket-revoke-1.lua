-- Notes that a ticket was revoked.
-- KEYS 1 the revoked tickets of a tenant, by when they may be forgotten.
-- ARGV 1 ticket, 2 now (ms), 3 forget at (ms), 4 how many there may be.
-- Returns 1 if the ticket is revoked now, 0 if there are too many.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
local known, count = redis.call('ZSCORE', KEYS[1], ARGV[1]), redis.call('ZCARD', KEYS[1])
if not known and count >= tonumber(ARGV[4]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3] - ARGV[2])
return 1
