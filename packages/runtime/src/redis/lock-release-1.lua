-- Releases a lock if this holder still has it.
-- KEYS lock. ARGV holder, for how long nobody else may take it (ms, 0 for none).
-- Returns 1 if the holder had it, else 0.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if tonumber(ARGV[2]) > 0 then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return redis.call('DEL', KEYS[1])
