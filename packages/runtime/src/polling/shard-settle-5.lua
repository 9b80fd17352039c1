-- Settles finished requests: frees their instances, and sets when their members are due next.
--
-- KEYS due, watch, busy, poked, claims.
-- ARGV spacing (ms), lease (ms), then per request: member, claimed at (ms), arrived by (ms), next due
--   (ms) or '', end of the provider's Retry-After (ms) or ''.
--
-- Settles only the instance's last claim, and each claim once. If the worker hung, or Redis was
-- frozen or was sent the call twice, another may have claimed the instance since. Then this
-- call can only make it busy for longer, and the holder of that claim settles it.
--
-- The instance is free after the spacing and the Retry-After. If it is busy for longer than a lease,
-- another request of ours got a Retry-After meanwhile, and that one stays.
--
-- With '' as next due the member leaves the set, unless it was poked meanwhile. A poked member is due
-- when its instance is free. A member that left the set meanwhile does not come back. A member due
-- before the Retry-After ends (its deadline) waits for its instance.
local time = redis.call('TIME')
local lease_until = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2]
for i = 3, #ARGV, 5 do
  local member, claimed_at, arrived_by, due = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), ARGV[i + 3]
  local instance = string.match(member, '|([^|]*)')
  local spaced = arrived_by + ARGV[1]
  local free_at = math.max(spaced, tonumber(ARGV[i + 4]) or 0)
  local is_held = tonumber(redis.call('ZSCORE', KEYS[5], instance) or 0) == claimed_at
  if is_held then
    redis.call('ZREM', KEYS[5], instance)
    local busy_until = tonumber(redis.call('ZSCORE', KEYS[3], instance) or 0)
    if busy_until > lease_until then free_at = math.max(free_at, busy_until) end
    redis.call('ZADD', KEYS[3], free_at, instance)
  else
    redis.call('ZADD', KEYS[3], 'GT', free_at, instance)
  end
  local poked = redis.call('HEXISTS', KEYS[4], member) == 1
  if is_held and due == '' and not poked then
    redis.call('ZREM', KEYS[1], member)
    redis.call('ZREM', KEYS[2], member)
  elseif is_held then
    redis.call('ZADD', KEYS[1], 'XX', poked and free_at or math.max(spaced, tonumber(due)), member)
  end
end
return 0
