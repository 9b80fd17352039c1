-- Extends the watch of members in the due-set. Returns those that are not in it, or were reported as
-- unwatched (see shard-claim).
-- KEYS due, watch. ARGV watched until (ms), member….
local missing = {}
for i = 2, #ARGV do
  if redis.call('ZSCORE', KEYS[1], ARGV[i]) and redis.call('ZSCORE', KEYS[2], ARGV[i]) then
    redis.call('ZADD', KEYS[2], 'GT', ARGV[1], ARGV[i])
  else
    missing[#missing + 1] = ARGV[i]
  end
end
return missing
