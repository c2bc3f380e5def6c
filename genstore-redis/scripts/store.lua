#!lua
-- Stores each value whose key has the generation that is given for it, and
-- after them one more if all do. Unlike the other scripts it is refused when
-- memory is short: values take it.
--
-- KEYS: n generation keys, the keys of their n values, and that of the last
-- ARGV: 1: n
--       2, 3: as of the other scripts, whether generations are bound to the
--             replication id, and their time to live, which begins anew
--       then n generations, n times to live in milliseconds, n values, and the
--       time to live and the value of the last
--
-- Returns the n records, the replication id in force or "", and what was
-- stored, a digit for each value. Generations are compared as text: as Lua
-- numbers they would be rounded.
local n = tonumber(ARGV[1])
local id = ''
if ARGV[2] == '1' then
  local info = redis.call('INFO', 'replication')
  local _, last = string.find(info, '\nmaster_replid:', 1, true)
  if not last then return redis.error_reply('ERR INFO replication tells no master_replid') end
  id = string.sub(info, last + 1, last + 20)
end
local records, stored, all = {}, {}, true
if n > 0 then records = redis.call('MGET', unpack(KEYS, 1, n)) end
for i = 1, n do
  local record, gen = records[i], ARGV[3 + i]
  local same
  if id ~= '' then
    same = record == gen .. ':' .. id
  else
    same = record == gen or record and string.sub(record, 1, #gen + 1) == gen .. ':'
  end
  if same then
    if ARGV[3] ~= '0' then redis.call('PEXPIRE', KEYS[i], ARGV[3]) end
    redis.call('SET', KEYS[n + i], ARGV[3 + 2 * n + i], 'PX', ARGV[3 + n + i])
    stored[i] = '1'
  else
    stored[i], all = '0', false
  end
end
if #KEYS > 2 * n then
  if all then redis.call('SET', KEYS[2 * n + 1], ARGV[5 + 3 * n], 'PX', ARGV[4 + 3 * n]) end
  stored[n + 1] = all and '1' or '0'
end
records[n + 1], records[n + 2] = id, table.concat(stored)
return records
