-- Extends the claims of requests that are still under way.
-- KEYS due, busy, claims. ARGV lease (ms), then per request: member, claimed at (ms).
-- Returns the members that left the set, and those whose instance another has claimed since.
local time = redis.call('TIME')
local lease_until = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1]
local gone = {}
for i = 2, #ARGV, 2 do
  local member = ARGV[i]
  local instance = string.match(member, '|([^|]*)')
  local is_held = tonumber(redis.call('ZSCORE', KEYS[3], instance) or 0) == tonumber(ARGV[i + 1])
  if is_held then redis.call('ZADD', KEYS[2], 'GT', lease_until, instance) end
  if is_held and redis.call('ZSCORE', KEYS[1], member) then
    redis.call('ZADD', KEYS[1], 'XX', lease_until, member)
  else
    gone[#gone + 1] = member
  end
end
return gone
