-- KEYS busy instances of a shard. ARGV instance key, end of the turn as it was taken (ms), end of the spacing (ms), end of the quiet (ms).
-- Ends the turn of instance-turn. Whoever took the instance after a turn that was too long keeps it. The quiet holds in any case.
local busy_until = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 0)
if busy_until == tonumber(ARGV[2]) then busy_until = tonumber(ARGV[3]) end
redis.call('ZADD', KEYS[1], math.max(busy_until, tonumber(ARGV[4])), ARGV[1])
return 1
