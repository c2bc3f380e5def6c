#!lua flags=allow-oom
-- The records of many keys as they are stored, and after the last one the
-- replication id in force, or "" when ARGV[1] is not "1". The caller compares:
-- that is cheaper there than here. As in current.lua, it counts as a write, and
-- with ARGV[2] begins the records' time to live anew, in milliseconds.
local records = redis.call('MGET', unpack(KEYS))
if ARGV[2] then
  for i, key in ipairs(KEYS) do
    if records[i] then redis.call('PEXPIRE', key, ARGV[2]) end
  end
end
local id = ''
if ARGV[1] == '1' then
  local info = redis.call('INFO', 'replication')
  local _, last = string.find(info, '\nmaster_replid:', 1, true)
  if not last then return redis.error_reply('ERR INFO replication tells no master_replid') end
  id = string.sub(info, last + 1, last + 20)
end
records[#KEYS + 1] = id
return records
