-- KEYS instances of a tenant. ARGV instance id, session id, expected session id ('' for none).
-- Compare and set; returns the session that is current then.
local current = redis.call('HGET', KEYS[1], ARGV[1])
if (current or '') ~= ARGV[3] then return current or '' end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return ARGV[2]
