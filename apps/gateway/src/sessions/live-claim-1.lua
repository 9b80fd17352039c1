-- Counts a live session of a tenant, unless the limit is reached.
-- KEYS live sessions of a tenant, by their expiry.
-- ARGV session, its expiry (ms), now (ms), limit, the session that it replaces ('' none).
-- Returns 1 if the session counts then, 0 if not. The replaced session stops counting at once. If
-- both counted until the replaced one has ended, only the first of several replacements at the limit
-- would succeed.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3])
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  local is_handed_over = ARGV[5] ~= '' and redis.call('ZREM', KEYS[1], ARGV[5]) == 1
  if not is_handed_over and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then return 0 end
end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', last[2]))
return 1
