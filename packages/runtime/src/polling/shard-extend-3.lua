-- Extends the claims of requests that are still under way.
-- KEYS due, watch, busy. ARGV lease (ms), member….
-- Returns the members that left the set.
local time = redis.call('TIME')
local lease_until = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1]
local gone = {}
for i = 2, #ARGV do
  local instance = string.match(ARGV[i], '|([^|]*)')
  redis.call('ZADD', KEYS[3], 'GT', lease_until, instance)
  if redis.call('ZSCORE', KEYS[1], ARGV[i]) then
    redis.call('ZADD', KEYS[1], 'XX', lease_until, ARGV[i])
  else
    gone[#gone + 1] = ARGV[i]
  end
end
return gone
