-- Makes a session the current one of an instance, if the expected one still is it.
-- KEYS current session of an instance.
-- ARGV session id, expected session id ('' for none), expires at (ms).
-- Returns the id that is current then.
local current = redis.call('GET', KEYS[1]) or ''
if current ~= ARGV[2] then return current end
redis.call('SET', KEYS[1], ARGV[1], 'PXAT', ARGV[3])
return ARGV[1]
