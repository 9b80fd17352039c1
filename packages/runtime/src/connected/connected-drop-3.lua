-- Drops the credentials of a connected instance and takes it off the checks.
-- KEYS connected instance, the tenant's connected instances, its checks.
-- ARGV instance, '1' to drop the record as well.
-- Returns how many credentials there were (0 or 1).
local dropped = redis.call('HDEL', KEYS[1], 'sealed')
redis.call('ZREM', KEYS[3], ARGV[1])
if ARGV[2] == '1' then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
end
return dropped
