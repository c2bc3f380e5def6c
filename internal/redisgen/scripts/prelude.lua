#!lua flags=allow-oom
-- What every script begins with. The first line makes a script count as a
-- write, so that a replica and a master cut off from its replicas refuse it
-- whatever it does, and lets it run when memory is short, so that no bump is
-- ever refused for that. Scripts that only create generations lose the flag.
--
-- KEYS: generation keys.
-- ARGV: 1: "1" when generations are bound to the replication id, else "0"
--       2: their time to live in milliseconds, "0" for none
--       3: three random digits
--       4, 5: of holds, the token and the lease in milliseconds

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

-- The replication id of this master: 20 of its 40 digits are enough to tell
-- two of them apart.
local id = ''
if ARGV[1] == '1' then
  local info = redis.call('INFO', 'replication')
  local _, last = string.find(info, '\nmaster_replid:', 1, true)
  if not last then return redis.error_reply('ERR INFO replication tells no master_replid') end
  id = string.sub(info, last + 1, last + 20)
end

-- A number that this store can have drawn. Everything else is foreign.
local function plausible(gen)
  return #gen < 19 or (#gen == 19 and gen < '9000000000000000000')
end

-- parse returns the generation of a record and the id that it is bound to.
local function parse(record)
  local gen, bound = string.match(record, '^([1-9]%d*):([0-9a-f]+)$')
  if gen and #bound ~= 20 then return nil end
  gen = gen or string.match(record, '^[1-9]%d*$')
  if gen and plausible(gen) then return gen, bound end
  return nil
end

-- read returns the generation that a key holds and the id that it is bound to,
-- and of a held key the greatest generation before the hold, its id, and the
-- hold: a table of its live holders and when their leases end. MGET answers nil where GET would fail for another type's sake.
local function read(key)
  local record = redis.call('MGET', key)[1]
  if record then return parse(record) end
  if redis.call('TYPE', key).ok ~= 'hash' then return nil end
  local hold, floor, bound = {}, nil, nil
  local fields = redis.call('HGETALL', key)
  for i = 1, #fields, 2 do
    local field, value = fields[i], fields[i + 1]
    if field == 'floor' then
      floor, bound = parse(value)
    elseif (tonumber(value) or 0) > now then
      hold[field] = tonumber(value)
    end
  end
  return floor, bound, hold
end

-- successor adds one to a decimal string digit by digit: as a Lua number it
-- would be rounded.
local function successor(gen)
  local head, nines = string.match(gen, '^(%d-)(9*)$')
  local zeros = string.rep('0', #nines)
  if head == '' then return '1' .. zeros end
  return string.sub(head, 1, -2) .. string.char(string.byte(head, -1) + 1) .. zeros
end

-- leap returns a generation ahead of present by 1 microsecond to 16 seconds,
-- as the replication id has it, which is random and new after every restart
-- and failover. Of a generation only the microseconds are a number here: they
-- are less than 2^53, and so exact.
local function leap(present)
  local micros = tonumber(string.sub(present, 1, -4)) or 0
  return string.format('%.0f', micros + 1 + tonumber(string.sub(id, 1, 6), 16)) .. ARGV[3]
end

-- draw returns a new generation, greater than present (nil for none): the
-- time, or where the clock has not passed present, one more than that. Under
-- another replication id than that of present, this server may have been set
-- back to it, and have handed out what comes next before (G1): then it leaps.
local function draw(present, bound)
  local fresh = clock[1] .. string.rep('0', 6 - #clock[2]) .. clock[2] .. ARGV[3]
  fresh = string.match(fresh, '[1-9]%d*') or '1' -- a clock at 1970
  if not present or #fresh > #present or (#fresh == #present and fresh > present) then
    return fresh
  end
  local more = successor(present)
  if bound ~= id and id ~= '' then more = leap(present) end
  if plausible(more) then return more end
  return fresh
end

-- bind returns the record of a generation that is bound to an id.
local function bind(gen, bound)
  if bound and bound ~= '' then return gen .. ':' .. bound end
  return gen
end

-- put gives the key a generation, in place of whatever it holds.
local function put(key, gen)
  local record = bind(gen, id)
  if ARGV[2] == '0' then
    redis.call('SET', key, record)
  else
    redis.call('SET', key, record, 'PX', ARGV[2])
  end
  return gen
end

-- keep writes a hold back: its floor with the id that this is bound to, and its
-- live holders. It is written anew, so that the key has no expiry of its own: a
-- server that is short of memory would take it for one to evict, and then the
-- hold had no lease. Expired holders do not count, so it needs none.
local function keep(key, floor, bound, hold)
  redis.call('DEL', key)
  if floor then redis.call('HSET', key, 'floor', bind(floor, bound)) end
  for field, expiry in pairs(hold) do
    redis.call('HSET', key, field, string.format('%.0f', expiry))
  end
end
