-- KEYS hash. ARGV field, expected value, new value. Compare and set; returns 1 if it was.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
