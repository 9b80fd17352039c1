-- Counts a failed try of the first entry of a lane, if it begins as given.
-- KEYS lane, use of the tenant. ARGV beginning of the entry, instance.
-- Returns how many tries of it failed, or 0 if it is not the first any more.
local first = redis.call('LINDEX', KEYS[1], 0)
if not first or string.sub(first, 1, #ARGV[1]) ~= ARGV[1] then return 0 end
return redis.call('HINCRBY', KEYS[2], 'failures:' .. ARGV[2], 1)
