-- Adds an entry to a lane.
-- KEYS lane, use of the tenant. ARGV entry, most entries, most bytes.
-- Returns 1 if it was added, 0 if the tenant's lanes are full.
local count = tonumber(redis.call('HGET', KEYS[2], 'count') or 0)
local bytes = tonumber(redis.call('HGET', KEYS[2], 'bytes') or 0)
if count >= tonumber(ARGV[2]) or bytes + #ARGV[1] > tonumber(ARGV[3]) then return 0 end
redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('HINCRBY', KEYS[2], 'count', 1)
redis.call('HINCRBY', KEYS[2], 'bytes', #ARGV[1])
return 1
