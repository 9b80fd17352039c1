-- KEYS due, watch, busy, poked. ARGV spacing (ms), then per finished request: member, started at (ms), next due (ms) or '', and the end of
-- the quiet that the provider wants (ms) or ''.
-- Frees the instance after the spacing and that quiet, and sets when the member is due next ('': it leaves the set, unless it was poked
-- meanwhile). Poked, it is due when the instance is free; due within the quiet for its deadline, it waits for the instance.
-- A member that left the set meanwhile does not come back.
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
