-- Compares and sets the record of a connected instance, with all that belongs to it. Without
-- credentials there is no check.
-- KEYS connected instance, the tenant's connected instances, its checks, the instance's callbacks.
-- ARGV expected record ('': none), record, credentials ('': keep, '-': drop, else set), keep until
--   (ms), instance, next check (ms), callback ('': none).
-- Returns 1 if written, 2 if credentials were dropped as well, else 0.
if (redis.call('HGET', KEYS[1], 'record') or '') ~= ARGV[1] then return 0 end
local written = 1
redis.call('HSET', KEYS[1], 'record', ARGV[2])
if ARGV[3] == '-' then
  if redis.call('HDEL', KEYS[1], 'sealed') == 1 then written = 2 end
  redis.call('ZREM', KEYS[3], ARGV[5])
elseif ARGV[3] ~= '' then
  redis.call('HSET', KEYS[1], 'sealed', ARGV[3])
  redis.call('ZADD', KEYS[3], ARGV[6], ARGV[5])
end
redis.call('PEXPIREAT', KEYS[1], ARGV[4])
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[5])
redis.call('PEXPIREAT', KEYS[2], ARGV[4], 'NX')
redis.call('PEXPIREAT', KEYS[2], ARGV[4], 'GT')
if ARGV[7] ~= '' then
  redis.call('RPUSH', KEYS[4], ARGV[7])
  redis.call('PEXPIRE', KEYS[4], 86400000) -- a day, the time for which a delivery is tried
end
return written
