-- Writes a change of a session, publishes it and queues its callback, or does none of these.
-- KEYS session, its callbacks, the gateways' counts of its viewers.
-- ARGV expected version ('0': must not exist), version, record, picture ('' keep, '-' drop, else
-- set), channel, sealed credentials ('' keep, '-' drop), expires at (ms, '' keep), callback ('' none),
-- expected stamp ('' any), stamp, the command that publishes, the lines of the state, a line of the
-- timeline ('' none), and only if its trace is recorded the traceparent of the change.
-- Returns 1 if it wrote, the current record if another one stands, 0 if there is no such session.
--
-- What is published: a line with the format (3) and each gateway's count, the lines of the state
-- (published-state.ts), and in another line the picture if it changed. The traceparent stands before
-- the counts as if it were one of a gateway: an older version takes it for one that has ended.

-- The newest lines, in one field of the session: they live and end with it, and cost a new session
-- less than a key would.
local function add_to_timeline(key, line)
  local text = redis.call('HGET', key, 'timeline')
  -- A viewer who hides and shows the page over and over must not push out the other lines. Of a run of
  -- such lines, which end in "+0" (timeline.ts), the first stays, and the newest counts those between.
  if text and string.find(line, '"%+0"%]$') then
    local others, repeats = string.match(text, '^(.*)\n[^\n]*"%+(%d+)"%]$')
    if others and string.find(others, '"%+%d+"%]$') then
      text = others
      line = string.gsub(line, '"%+0"%]$', '"+' .. (repeats + 1) .. '"]')
    end
  end
  text = text and text .. '\n' .. line or line
  if #text > 6144 then text = '~' .. (string.match(text, '\n.*', -4096) or '') end
  redis.call('HSET', key, 'timeline', text)
end

-- The stamp tells two records apart that have one version, because Redis lost data in between.
local version, stamp = unpack(redis.call('HMGET', KEYS[1], 'version', 'stamp'))
if ARGV[1] == '0' then
  if version then return redis.call('HGET', KEYS[1], 'record') end
else
  if not version then return 0 end
  local is_other = stamp and ARGV[9] ~= '' and stamp ~= ARGV[9]
  if version ~= ARGV[1] or is_other then return redis.call('HGET', KEYS[1], 'record') end
end
-- Before the first write, and whatever is at that key: a fault here must not stop the change.
local found = redis.pcall('HGETALL', KEYS[3])
local counts = (found.err or not found[1]) and '' or ' ' .. table.concat(found, ' ')
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'record', ARGV[3], 'stamp', ARGV[10])
local trace = ARGV[14] and ' traceparent ' .. ARGV[14] or ''
local message = '3' .. trace .. counts .. '\n' .. ARGV[12]
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
if ARGV[13] ~= '' then add_to_timeline(KEYS[1], ARGV[13]) end
redis.call(ARGV[11], ARGV[5], message)
return 1
