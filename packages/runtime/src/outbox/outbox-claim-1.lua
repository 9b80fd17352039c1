-- Claims marks that are due for the lease.
-- KEYS outbox. ARGV limit, lease (ms).
-- Returns {lease end, {mark, its score before…}}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'WITHSCORES', 'LIMIT', 0, ARGV[1])
for i = 1, #found, 2 do
  redis.call('ZADD', KEYS[1], now + ARGV[2], found[i])
end
return { now + ARGV[2], found }
