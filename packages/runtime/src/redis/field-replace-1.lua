-- Compares and sets a field of a hash.
-- KEYS hash. ARGV field, expected value, new value.
-- Returns 1 if it was set, else 0. A call that was sent again after its reply was lost finds its own
-- value, and returns 1 as well.
local current = redis.call('HGET', KEYS[1], ARGV[1])
if current == ARGV[3] then return 1 end
if current ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
