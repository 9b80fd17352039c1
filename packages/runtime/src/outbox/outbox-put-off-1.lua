-- Sets a mark that is due later.
-- KEYS outbox. ARGV mark, when it is due (ms from now).
local time = redis.call('TIME')
return redis.call('ZADD', KEYS[1], time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2], ARGV[1])
