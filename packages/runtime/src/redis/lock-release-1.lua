-- Releases a lock if this holder still has it.
-- KEYS lock. ARGV holder, for how long nobody else may take it (ms). A time of 0 deletes the key.
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
