-- KEYS live sessions of a tenant, by their expiry. ARGV session, its expiry (ms), now (ms), limit, the session it replaces ('' none).
-- Returns 1 if the session has its place then, 0 if there is none. The place of the one it replaces is its own at once: if both kept one
-- until the other has ended, of several that are replaced at the limit only the first would find room.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3])
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  local is_handed_over = ARGV[5] ~= '' and redis.call('ZREM', KEYS[1], ARGV[5]) == 1
  if not is_handed_over and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then return 0 end
end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', last[2]))
return 1
