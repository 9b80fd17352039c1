-- Writes what a try changed, unless the callback is gone or was reopened meanwhile.
-- KEYS callback, the settled callbacks of its tenant.
-- ARGV giveUpAt as it was read, id, score among the settled ('': not settled), how long these are
--   kept (ms), fields and values.
-- Returns 1 if written, else 0.
if redis.call('HGET', KEYS[1], 'giveUpAt') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 5))
if ARGV[3] ~= '' then
  redis.call('ZADD', KEYS[2], ARGV[3], ARGV[2])
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
end
return 1
