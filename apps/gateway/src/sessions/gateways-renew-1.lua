-- Renews a gateway's lease.
-- KEYS gateways. ARGV gateway, end of the lease (ms), now (ms).
-- Returns whether it was there (1 or 0), then the ids of all that live.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3])
local is_new = redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
redis.call('PEXPIREAT', KEYS[1], ARGV[2]) -- the last lease ends with its gateway
return { 1 - is_new, unpack(redis.call('ZRANGE', KEYS[1], 0, -1)) }
