-- Writes a change of a session, publishes it and queues its callback, or does none of these.
-- KEYS session, its callbacks.
-- ARGV expected version ('0': must not exist), version, record, picture ('' keep, '-' drop, else
-- set), channel, sealed credentials ('' keep, '-' drop), expires at (ms, '' keep), callback ('' none).
-- Returns 1 if it wrote, the current record if another version stands, 0 if there is no such session.
local current = redis.call('HGET', KEYS[1], 'version')
if ARGV[1] == '0' then
  if current then return redis.call('HGET', KEYS[1], 'record') end
else
  if not current then return 0 end
  if current ~= ARGV[1] then return redis.call('HGET', KEYS[1], 'record') end
end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'record', ARGV[3])
local message = ARGV[3]
if ARGV[4] == '-' then
  redis.call('HDEL', KEYS[1], 'image')
elseif ARGV[4] ~= '' then
  redis.call('HSET', KEYS[1], 'image', ARGV[4])
  message = message .. '\n' .. ARGV[4]
end
if ARGV[6] == '-' then
  redis.call('HDEL', KEYS[1], 'sealed')
elseif ARGV[6] ~= '' then
  redis.call('HSET', KEYS[1], 'sealed', ARGV[6])
end
if ARGV[7] ~= '' then redis.call('PEXPIREAT', KEYS[1], ARGV[7]) end
if ARGV[8] ~= '' then
  redis.call('RPUSH', KEYS[2], ARGV[8])
  redis.call('PEXPIRE', KEYS[2], 86400000) -- a day, as long as deliveries are tried
end
redis.call('PUBLISH', ARGV[5], message)
return 1
