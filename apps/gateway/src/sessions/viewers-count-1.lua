-- Stores a gateway's count of a session's viewers, and returns the sum over all gateways. The count
-- of a gateway that died runs out.
-- KEYS viewers of a session. ARGV gateway ('' only reads), its count, counts until (ms), now (ms).
if tonumber(ARGV[2]) > 0 then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ':' .. ARGV[3])
  redis.call('PEXPIREAT', KEYS[1], ARGV[3])
elseif ARGV[1] ~= '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
end
local all, sum = redis.call('HGETALL', KEYS[1]), 0
for i = 1, #all, 2 do
  local count, counts_until = string.match(all[i + 1], '^(%d+):(%d+)$')
  if tonumber(counts_until) > tonumber(ARGV[4]) then sum = sum + tonumber(count) else redis.call('HDEL', KEYS[1], all[i]) end
end
return sum
