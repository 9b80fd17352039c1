-- Deletes the credentials of a session that has connected.
-- KEYS session.
-- Does nothing if its record says anything else: Redis has lost the login since, and the session needs
-- them to find it again. Nor if the record cannot be read: the login is reported even so.
local record = redis.call('HGET', KEYS[1], 'record')
if record then
  local isReadable, session = pcall(cjson.decode, record)
  local state = isReadable and type(session) == 'table' and session.state
  if type(state) ~= 'table' or state.kind ~= 'connected' then return 0 end
end
return redis.call('HDEL', KEYS[1], 'sealed')
