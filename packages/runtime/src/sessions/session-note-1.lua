-- Adds a line about deliveries to the timeline of a session, if there is such a session. They stand in
-- a field of their own, so that no viewer can push out the lines that tell of changes.
-- KEYS session. ARGV line.
if redis.call('HEXISTS', KEYS[1], 'record') == 0 then return 0 end
local text = redis.call('HGET', KEYS[1], 'deliveries')
text = text and text .. '\n' .. ARGV[1] or ARGV[1]
if #text > 3072 then text = string.match(text, '\n(.*)', -2048) or '' end
redis.call('HSET', KEYS[1], 'deliveries', text)
return 1
