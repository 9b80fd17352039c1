-- Settles finished requests: frees their instances, and sets when their members are due next.
--
-- KEYS due, watch, busy, poked.
-- ARGV spacing (ms), then per request: member, started at (ms), next due (ms) or '', end of the
--   provider's Retry-After (ms) or ''.
--
-- The instance is free after the spacing and the Retry-After. With '' as next due the member leaves
-- the set, unless it was poked meanwhile. A poked member is due when its instance is free. A member
-- that left the set meanwhile does not come back. A member due before the Retry-After ends (its
-- deadline) waits for its instance.
for i = 2, #ARGV, 4 do
  local member, started, due = ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2]
  local instance = string.match(member, '|([^|]*)')
  local spaced = started + ARGV[1]
  local free_at = math.max(spaced, tonumber(ARGV[i + 3]) or 0)
  redis.call('ZADD', KEYS[3], free_at, instance)
  local poked = redis.call('HEXISTS', KEYS[4], member) == 1
  if due == '' and not poked then
    redis.call('ZREM', KEYS[1], member)
    redis.call('ZREM', KEYS[2], member)
  else
    redis.call('ZADD', KEYS[1], 'XX', poked and free_at or math.max(spaced, tonumber(due)), member)
  end
end
return 0
