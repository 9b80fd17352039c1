-- Takes tokens from the bucket of a tenant's rate, by Redis's own time.
-- KEYS 1 the rate of a tenant. ARGV 1 limit per minute, 2 tokens wanted.
-- A full bucket holds as many tokens as the limit, and an empty one is full after a minute. It is
-- kept as the time when it is full again (GCRA), by the same rule as in token-bucket.ts.
-- Returns the tokens given, and the time until there is one more (ms).
local time = redis.call('TIME')
local now, interval = time[1] * 1000 + time[2] / 1000, 60000 / ARGV[1]
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local left = math.floor((60000 - (full_at - now)) / interval + 0.001)
local given = math.max(0, math.min(left, tonumber(ARGV[2])))
if given > 0 then
  full_at = full_at + given * interval
  redis.call('SET', KEYS[1], string.format('%.3f', full_at), 'PX', math.ceil(full_at - now) + 1)
end
return {given, math.ceil(math.max(0, full_at + interval - now - 60000))}
