-- KEYS due, watch, busy, poked. ARGV limit, lease (ms), member or '', ahead (ms).
-- Claims members due by now + ahead (or the one named, if it is due) for the lease: they and their instances are nobody else's until it ends.
-- A member whose instance is busy keeps its place, so that two sessions of one instance take turns.
-- Members nobody watches any more leave the set. Returns {now, {member, due, method…}, {unwatched member…}}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found
if ARGV[3] == '' then
  found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now + ARGV[4], 'WITHSCORES', 'LIMIT', 0, ARGV[1] + 100) -- past members whose instance is busy
else
  local due = redis.call('ZSCORE', KEYS[1], ARGV[3])
  found = (due and tonumber(due) <= now) and { ARGV[3], due } or {}
end
local lease_until = now + ARGV[2]
local claimed, unwatched = {}, {}
for i = 1, #found, 2 do
  local member = found[i]
  local instance = string.sub(member, string.find(member, '|', 1, true) + 1)
  local busy_until = tonumber(redis.call('ZSCORE', KEYS[3], instance) or 0)
  if tonumber(redis.call('ZSCORE', KEYS[2], member) or 0) < now then
    redis.call('ZREM', KEYS[1], member)
    redis.call('ZREM', KEYS[2], member)
    redis.call('HDEL', KEYS[4], member)
    unwatched[#unwatched + 1] = member
  elseif busy_until <= now and #claimed < ARGV[1] * 3 then
    redis.call('ZADD', KEYS[1], 'XX', lease_until, member)
    redis.call('ZADD', KEYS[3], lease_until, instance)
    claimed[#claimed + 1] = member
    claimed[#claimed + 1] = found[i + 1]
    claimed[#claimed + 1] = redis.call('HGET', KEYS[4], member) or ''
    redis.call('HDEL', KEYS[4], member)
  end
end
-- Instances whose distance has been kept need no entry.
if ARGV[3] == '' then redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now) end
return { now, claimed, unwatched }
