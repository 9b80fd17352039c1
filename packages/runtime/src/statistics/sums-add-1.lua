-- Adds to fields of a hash, which is kept for a while longer.
-- KEYS hash. ARGV for how long it is kept (ms), then each field with what is added to it.
for i = 2, #ARGV, 2 do redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
