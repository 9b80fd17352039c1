-- Takes a lock for a lease, unless another holder has it.
-- KEYS lock. ARGV holder, lease (ms), not after (ms).
-- Returns 1 if this holder has it, else 0. Returns nil after `not after`, and takes nothing (see
-- take-in-time.ts).
local holder = redis.call('GET', KEYS[1])
-- A command is sent again if its reply was lost. Then this very holder may have the lock.
if holder == ARGV[1] then return 1 end
local time = redis.call('TIME')
if time[1] * 1000 + math.floor(time[2] / 1000) > tonumber(ARGV[3]) then return nil end
if holder then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
