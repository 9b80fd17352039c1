-- Writes a gateway's counts of viewers, unless the sum over all gateways would exceed a limit.
-- KEYS 1 the gateways with viewers of a tenant, by the end of their lease; 2 their counts.
-- ARGV 1 gateway, 2 now (ms), 3 lease until (ms), 4 session, 5 limit of the tenant ('' for none),
-- 6 limit of the session ('' for none), 7 this gateway's count for the tenant, 8 for the session.
-- Returns 1 if written, 2 if the tenant's limit refuses, 3 if the session's limit refuses, 4 if
-- written, but the lease had ended and the gateway's counts for other sessions were lost.
-- Gateways whose lease has ended are removed first.
for _, gone in ipairs(redis.call('ZRANGE', KEYS[1], '-inf', ARGV[2], 'BYSCORE')) do
  redis.call('ZREM', KEYS[1], gone)
  for _, field in ipairs(redis.call('HKEYS', KEYS[2])) do
    if field == gone or string.sub(field, 1, #gone + 1) == gone .. '|' then redis.call('HDEL', KEYS[2], field) end
  end
end
local is_lost = ARGV[7] ~= ARGV[8] and not redis.call('ZSCORE', KEYS[1], ARGV[1])
local in_tenant, in_session = tonumber(ARGV[7]), tonumber(ARGV[8])
for _, gateway in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if gateway ~= ARGV[1] then
    local counts = redis.call('HMGET', KEYS[2], gateway, gateway .. '|' .. ARGV[4])
    in_tenant, in_session = in_tenant + (counts[1] or 0), in_session + (counts[2] or 0)
  end
end
if ARGV[5] ~= '' and in_tenant > tonumber(ARGV[5]) then return 2 end
if ARGV[6] ~= '' and in_session > tonumber(ARGV[6]) then return 3 end
local function note(field, count)
  if count == '0' then redis.call('HDEL', KEYS[2], field) else redis.call('HSET', KEYS[2], field, count) end
end
note(ARGV[1], ARGV[7])
note(ARGV[1] .. '|' .. ARGV[4], ARGV[8])
if ARGV[7] == '0' then redis.call('ZREM', KEYS[1], ARGV[1]) else redis.call('ZADD', KEYS[1], 'GT', ARGV[3], ARGV[1]) end
redis.call('PEXPIREAT', KEYS[1], ARGV[3], 'NX')
redis.call('PEXPIREAT', KEYS[2], ARGV[3], 'NX')
redis.call('PEXPIREAT', KEYS[1], ARGV[3], 'GT')
redis.call('PEXPIREAT', KEYS[2], ARGV[3], 'GT')
return is_lost and 4 or 1
