-- Stores a gateway's count of a session's viewers, and returns those of all.
-- KEYS viewers of a session. ARGV gateway, its count, kept until (ms), now (ms).
-- Returns gateway, its entry (`count:until`), and so on.
--
-- A count holds while its gateway lives (gateways-renew-1.lua). An older version renewed each count,
-- and its end is told by the entry.
if tonumber(ARGV[2]) > 0 then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ':' .. ARGV[3])
  redis.call('PEXPIREAT', KEYS[1], ARGV[3])
else
  redis.call('HDEL', KEYS[1], ARGV[1])
end
local all, kept = redis.call('HGETALL', KEYS[1]), {}
for i = 1, #all, 2 do
  if tonumber(string.match(all[i + 1], ':(%d+)$')) > tonumber(ARGV[4]) then
    kept[#kept + 1] = all[i]
    kept[#kept + 1] = all[i + 1]
  else
    redis.call('HDEL', KEYS[1], all[i])
  end
end
return kept
