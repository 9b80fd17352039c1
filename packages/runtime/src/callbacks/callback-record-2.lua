-- Writes what a try changed, unless the callback is gone or has changed since it was read: another
-- worker settled it or recorded a try that failed, or the tenant had it sent again.
-- KEYS callback, the settled callbacks of its tenant.
-- ARGV giveUpAt and failures as they were read, id, score among the settled ('': not settled), how
--   long these are kept (ms), fields and values.
-- Returns 1 if written, else 0.
-- Each failed try adds to `failures`. The number of attempts would not do: only the last are kept.
local state, give_up_at, failures = unpack(redis.call('HMGET', KEYS[1], 'state', 'giveUpAt', 'failures'))
if state ~= 'pending' or give_up_at ~= ARGV[1] or failures ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 6))
if ARGV[4] ~= '' then
  redis.call('ZADD', KEYS[2], ARGV[4], ARGV[3])
  redis.call('PEXPIRE', KEYS[2], ARGV[5])
end
return 1
