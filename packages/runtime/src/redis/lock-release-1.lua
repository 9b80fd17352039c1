-- KEYS lock. ARGV holder, for how long nobody else may take it (ms), 0 for none.
-- Gives the lock up if this holder has it still. Returns 1 if it had.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if tonumber(ARGV[2]) > 0 then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return redis.call('DEL', KEYS[1])
