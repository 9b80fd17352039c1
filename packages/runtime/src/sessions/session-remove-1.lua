-- Deletes a session, unless it has another version by now.
-- KEYS session. ARGV version. Returns 1 if the session is gone.
local version = redis.call('HGET', KEYS[1], 'version')
if version and version ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
return 1
