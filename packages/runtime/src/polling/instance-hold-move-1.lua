-- Extends or ends a hold.
-- KEYS busy. ARGV instance key, end of the hold as it stands (ms), its new end (ms from now).
-- Returns the new end, 0 if the hold was lost.
if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 0) ~= tonumber(ARGV[2]) then return 0 end
local time = redis.call('TIME')
local ends = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[3]
redis.call('ZADD', KEYS[1], ends, ARGV[1])
return ends
