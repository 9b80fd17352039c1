-- Compares and sets a field of a hash.
-- KEYS hash. ARGV field, expected value, new value.
-- Returns 1 if it was set, else 0.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
