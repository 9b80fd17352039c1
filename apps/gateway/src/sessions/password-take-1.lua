-- Adds a try of a password, unless there are too many.
-- KEYS tries of a session, by time.
-- ARGV member (attempt|id), attempt, limit of one attempt, limit of the session, window (ms).
-- Returns {'taken', 0}, or {'attempt' or 'session', ms until a try is allowed again}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local window = tonumber(ARGV[5])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
local tries = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
if #tries / 2 >= tonumber(ARGV[4]) then return { 'session', tries[2] + window - now } end
local count, oldest = 0, now
for i = 1, #tries, 2 do
  if string.sub(tries[i], 1, #ARGV[2] + 1) == ARGV[2] .. '|' then
    count = count + 1
    oldest = math.min(oldest, tonumber(tries[i + 1]))
  end
end
if count >= tonumber(ARGV[3]) then return { 'attempt', oldest + window - now } end
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('PEXPIRE', KEYS[1], window)
return { 'taken', 0 }
