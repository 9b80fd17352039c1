-- KEYS lock. ARGV holder. Deletes the lock if this holder has it still. Returns 1 if it had.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
