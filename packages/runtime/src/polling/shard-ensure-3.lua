-- KEYS due, watch, busy. ARGV member, instance key, watched until (ms), lease (ms), due (ms) or '', '1' where the watch may become shorter.
-- Watches the member; puts it into the due-set unless it is there, due now or as told. A member that is there comes due no later than told.
-- Returns in how many ms its instance may be asked and in how many the member can be claimed: {0, -1} if it was there and no due time was told.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[6] == '1' then
  redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
else
  redis.call('ZADD', KEYS[2], 'GT', ARGV[3], ARGV[1])
end
local is_there = redis.call('ZSCORE', KEYS[1], ARGV[1])
if is_there and ARGV[5] == '' then return { 0, -1 } end
local busy_until = tonumber(redis.call('ZSCORE', KEYS[3], ARGV[2]) or 0)
-- Due now even if its instance is busy: so it is next in line when the instance is free. But not for longer than any lease (see shard-claim):
-- many that come again and again while their provider wants quiet would stand before all others.
local is_quiet = busy_until > now + ARGV[4]
local due = math.max(now, tonumber(ARGV[5]) or 0)
if is_quiet then due = math.max(due, math.min(busy_until, now + 10 * ARGV[4])) end
if is_there then
  redis.call('ZADD', KEYS[1], 'XX', 'LT', due, ARGV[1])
else
  redis.call('ZADD', KEYS[1], due, ARGV[1])
end
return { math.max(0, busy_until - now), math.max(due, busy_until) - now }
