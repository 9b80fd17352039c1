-- KEYS session. ARGV version. Removes it, unless it has changed since. Returns 1 if it is gone.
local version = redis.call('HGET', KEYS[1], 'version')
if version and version ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
return 1
