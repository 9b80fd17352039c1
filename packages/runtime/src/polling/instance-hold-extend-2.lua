-- Extends a hold. Its lease may be over, if nobody has taken the instance since.
-- KEYS busy, claims. ARGV instance key, start of the hold (ms), lease (ms).
-- Returns 1, or 0 if the hold was lost or released.
-- A Retry-After that another request of ours got meanwhile stays.
if tonumber(redis.call('ZSCORE', KEYS[2], ARGV[1]) or 0) ~= tonumber(ARGV[2]) then return 0 end
local time = redis.call('TIME')
redis.call('ZADD', KEYS[1], 'GT', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[3], ARGV[1])
return 1
