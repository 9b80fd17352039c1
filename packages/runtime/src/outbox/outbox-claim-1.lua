-- Claims marks that are due for the lease.
-- KEYS outbox. ARGV limit, lease (ms), ahead (ms), not after (ms).
-- Returns {now, lease end, {mark, its score before…}}, with the marks that are due by now + ahead.
--   Returns nil after `not after`, and does nothing (see take-in-time.ts).
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now > tonumber(ARGV[4]) then return nil end
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now + ARGV[3], 'WITHSCORES', 'LIMIT', 0, ARGV[1])
for i = 1, #found, 2 do
  redis.call('ZADD', KEYS[1], now + ARGV[2], found[i])
end
return { now, now + ARGV[2], found }
