-- KEYS rate of a tenant. ARGV limit a minute, tokens wanted. A bucket of as many tokens as the limit, filled up evenly within a minute, kept
-- as the time when it is full again (GCRA). Redis's own time. Returns the tokens given, and when there is one more (ms from now).
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
