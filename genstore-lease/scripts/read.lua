#!lua flags=allow-oom
-- The records of generation keys, and the replication id, epoch and head at
-- which they were read; the epoch is "" when none is in force. It writes
-- nothing, and counts as a write all the same, so that no replica answers it,
-- nor a master that was cut off from its replicas.
-- KEYS: 1: the hash of the namespace; then generation keys
local records = redis.call('MGET', unpack(KEYS, 2))
local state = redis.call('HMGET', KEYS[1], 'id', 'epoch', 'head')
local info = redis.call('INFO', 'replication')
local _, last = string.find(info, '\nmaster_replid:', 1, true)
if not last then return redis.error_reply('ERR INFO replication tells no master_replid') end
local id = string.sub(info, last + 1, last + 20)
if state[1] ~= id or not state[2] or not state[3] then
  state[2], state[3] = '', '0'
end
return { state[2], state[3], id, records }
