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
-- Returns the id alone where all was stored; otherwise the n records, the id in
-- force or "", and what was stored, a digit for each value. Generations are
-- compared as text: as Lua numbers they would be rounded.
local call, n = redis.call, tonumber(ARGV[1])
local id, bound = '', ''
if ARGV[2] == '1' then
  local info = call('INFO', 'replication')
  local _, last = string.find(info, '\nmaster_replid:', 1, true)
  if not last then return redis.error_reply('ERR INFO replication tells no master_replid') end
  id = string.sub(info, last + 1, last + 20)
  bound = ':' .. id
end
local records, ttl, other = {}, ARGV[3], {}
if n > 0 then records = call('MGET', unpack(KEYS, 1, n)) end
for i = 1, n do
  local record, gen = records[i], ARGV[3 + i]
  if record == gen .. bound or id == '' and record and string.sub(record, 1, #gen + 1) == gen .. ':' then
    if ttl ~= '0' then call('PEXPIRE', KEYS[i], ttl) end
    call('PSETEX', KEYS[n + i], ARGV[3 + n + i], ARGV[3 + 2 * n + i])
  else
    other[i] = true
  end
end
local all = next(other) == nil
if all and #KEYS > 2 * n then call('PSETEX', KEYS[2 * n + 1], ARGV[4 + 3 * n], ARGV[5 + 3 * n]) end
if all then return { id } end
local stored = {}
for i = 1, #KEYS - n do stored[i] = (i > n or other[i]) and '0' or '1' end
records[n + 1], records[n + 2] = id, table.concat(stored)
return records
