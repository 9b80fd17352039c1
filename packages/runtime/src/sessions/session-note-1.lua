-- Adds a line to the timeline of a session, if there is such a session.
-- KEYS session. ARGV line.
if redis.call('HEXISTS', KEYS[1], 'record') == 0 then return 0 end
-- As in session-commit-3.lua.
local text = redis.call('HGET', KEYS[1], 'timeline')
text = text and text .. '\n' .. ARGV[1] or ARGV[1]
if #text > 6144 then text = '~' .. (string.match(text, '\n.*', -4096) or '') end
redis.call('HSET', KEYS[1], 'timeline', text)
return 1
