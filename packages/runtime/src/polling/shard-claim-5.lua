-- Claims due members of a shard for a lease. Nobody else can claim them or their instances until it
-- ends.
--
-- KEYS due, watch, busy, poked, claims.
-- ARGV limit, lease (ms), member or '', ahead (ms), free slots, share, wait (ms), not after (ms),
--   then per tenant: id, slots it holds.
-- Returns {now, {member, due, method…}, {unwatched member…}, {member that waits…}, number of
--   postponed}. Returns nil after `not after`, and does nothing (see take-in-time.ts).
--
-- Claims members due by now + ahead, or the named one if it is due.
--
-- The time of a claim identifies it: an instance is claimed once at most in a millisecond.
-- shard-extend and shard-settle do nothing to a claim that is no longer the instance's last.
--
-- A member whose watch is over is reported as unwatched. Its watch is removed, and for others it is
-- no longer in the queue. It keeps its place in the due-set for the lease: if the worker dies before
-- it has dealt with it, the member is reported again. Otherwise shard-leave removes it.
--
-- A member whose instance is busy keeps its due time, so two sessions of one instance alternate. If
-- the instance is busy for longer than any lease, the provider sent a Retry-After. Then the member
-- is postponed to its end, by at most ten leases. Left at the head of the set, many such members
-- would block the rest.
--
-- A tenant may hold `share` times what is free. Its other due members are postponed for the same
-- reason.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now > tonumber(ARGV[8]) then return nil end
local limit, free, share = tonumber(ARGV[1]), tonumber(ARGV[5]), tonumber(ARGV[6])
local held = {}
for i = 9, #ARGV, 2 do
  held[ARGV[i]] = tonumber(ARGV[i + 1])
end
local found
if ARGV[3] == '' then
  found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now + ARGV[4], 'WITHSCORES', 'LIMIT', 0, limit + 1000) -- beyond members whose instance is busy
else
  local due = redis.call('ZSCORE', KEYS[1], ARGV[3])
  found = (due and tonumber(due) <= now) and { ARGV[3], due } or {}
end
local lease_until = now + ARGV[2]
local claimed, unwatched, waiting, postponed = {}, {}, {}, 0
for i = 1, #found, 2 do
  local member = found[i]
  local instance, tenant = string.match(member, '|([^|]*)|(.*)')
  local busy_until = tonumber(redis.call('ZSCORE', KEYS[3], instance or '') or 0)
  if not tenant then -- written by an older version; a gateway that watches it puts it back
    redis.call('ZREM', KEYS[1], member)
    redis.call('ZREM', KEYS[2], member)
  elseif tonumber(redis.call('ZSCORE', KEYS[2], member) or 0) < now then
    redis.call('ZADD', KEYS[1], 'XX', lease_until, member)
    redis.call('ZREM', KEYS[2], member)
    unwatched[#unwatched + 1] = member
  elseif busy_until <= now and limit > 0 then
    local holds = held[tenant] or 0
    if holds < share * free then
      redis.call('ZADD', KEYS[1], 'XX', lease_until, member)
      redis.call('ZADD', KEYS[3], lease_until, instance)
      redis.call('ZADD', KEYS[5], now, instance)
      claimed[#claimed + 1] = member
      claimed[#claimed + 1] = found[i + 1]
      claimed[#claimed + 1] = redis.call('HGET', KEYS[4], member) or ''
      redis.call('HDEL', KEYS[4], member)
      held[tenant] = holds + 1
      free = free - 1
      limit = limit - 1
    else
      redis.call('ZADD', KEYS[1], 'XX', now + ARGV[7], member)
      waiting[#waiting + 1] = member
    end
  elseif busy_until > lease_until then
    redis.call('ZADD', KEYS[1], 'XX', math.min(busy_until, now + 10 * ARGV[2]), member)
    postponed = postponed + 1
  end
end
-- Instances that are free again need no entry. A claim that nobody settled is kept for an hour, which
-- no request lasts.
if ARGV[3] == '' then
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
  redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', now - 3600000)
end
return { now, claimed, unwatched, waiting, postponed }
