-- Watches a member, and puts it into the due-set if it is not there.
--
-- KEYS due, watch, busy.
-- ARGV member, instance key, watched until (ms), lease (ms), due (ms) or '', '1' if the watch may
--   become shorter, channel, the command that publishes.
-- Returns {in how many ms its instance may be asked, in how many ms the member can be claimed}, or
--   {0, -1} if it was there and no due time was given.
--
-- A member that was reported as unwatched (see shard-claim) counts as new.
-- The first member of a shard is published, so that its ticks begin (ticks.ts).
-- A new member is due now, or at the given time. A member that is there comes due at the given time
-- at the latest.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local is_there = redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZSCORE', KEYS[2], ARGV[1])
if ARGV[6] == '1' then
  redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
else
  redis.call('ZADD', KEYS[2], 'GT', ARGV[3], ARGV[1])
end
if is_there and ARGV[5] == '' then return { 0, -1 } end
local busy_until = tonumber(redis.call('ZSCORE', KEYS[3], ARGV[2]) or 0)
-- Due now even if its instance is busy, so it is next when the instance is free. But not if the
-- instance is busy for longer than any lease (see shard-claim): members that are put back again and
-- again during a Retry-After would stand before all others.
local has_retry_after = busy_until > now + ARGV[4]
local due = math.max(now, tonumber(ARGV[5]) or 0)
if has_retry_after then due = math.max(due, math.min(busy_until, now + 10 * ARGV[4])) end
if is_there then
  redis.call('ZADD', KEYS[1], 'XX', 'LT', due, ARGV[1])
elseif redis.call('ZADD', KEYS[1], due, ARGV[1]) == 1 and redis.call('ZCARD', KEYS[1]) == 1 then
  redis.call(ARGV[8], ARGV[7], '')
end
return { math.max(0, busy_until - now), math.max(due, busy_until) - now }
