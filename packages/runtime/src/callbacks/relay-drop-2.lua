-- Removes the first entry of a lane, if it begins as given.
-- KEYS lane, use of the tenant. ARGV beginning of the entry, instance.
-- Returns 1 if it was removed, else 0.
local first = redis.call('LINDEX', KEYS[1], 0)
if not first or string.sub(first, 1, #ARGV[1]) ~= ARGV[1] then return 0 end
redis.call('LPOP', KEYS[1])
redis.call('HINCRBY', KEYS[2], 'bytes', 0 - #first) -- never -0, which is no integer
redis.call('HDEL', KEYS[2], 'failures:' .. ARGV[2])
-- The use of empty lanes would stay for ever, also after the tenant.
if redis.call('HINCRBY', KEYS[2], 'count', -1) <= 0 then redis.call('DEL', KEYS[2]) end
return 1
