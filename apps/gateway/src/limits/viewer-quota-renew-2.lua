-- Renews the lease of a gateway's counts of viewers.
-- KEYS 1 the gateways with viewers of a tenant, by the end of their lease; 2 their counts.
-- ARGV 1 gateway, 2 lease until (ms), 3 its count for the tenant.
-- Returns 1, or 0 if Redis holds something else: the lease had ended, or a count was lost.
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) or redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[3] then return 0 end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
redis.call('PEXPIREAT', KEYS[1], ARGV[2], 'GT')
redis.call('PEXPIREAT', KEYS[2], ARGV[2], 'GT')
return 1
