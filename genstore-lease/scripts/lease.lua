-- What the scripts share that know of leases, after the prelude of
-- genstore-redis. A namespace's epoch, head of the log and members are fields of
-- one hash: they live and die together.
--
-- KEYS: 1: the hash of the namespace, also the name of the channel that tells
--          of changes; 2: its log; 3: its mark; then generation keys.
-- ARGV: 1 to 5: as the prelude says
--       6: the length of leases in microseconds
--       7: random digits, for a new epoch
--       8: how many entries the log keeps
--       9: the id of the caller's replica, "" for none
--       10: the mark of a namespace like this one
local STATE, LOG, MARK = KEYS[1], KEYS[2], KEYS[3]
local KEYS = { unpack(KEYS, 4) }

-- digits writes a number of the log, which is far below what a double holds.
local function digits(n) return string.format('%.0f', n) end

-- enter returns the epoch in force and its head, or an error. A hash that is
-- bound to another replication id is from before writes that were lost: it
-- starts anew, as one does that is missing.
local function enter()
  local kind = redis.call('MGET', MARK)[1]
  if kind and kind ~= ARGV[10] then
    return nil, nil, redis.error_reply('OTHERKIND')
  end
  if not kind then redis.call('SET', MARK, ARGV[10]) end -- the first time, or it was lost
  local state = redis.call('HMGET', STATE, 'id', 'epoch', 'head', 'lease')
  if state[1] == id and state[2] and state[3] and state[4] then
    if state[4] ~= ARGV[6] then
      return nil, nil, redis.error_reply('OTHERLEASE ' .. state[4])
    end
    return state[2], tonumber(state[3])
  end
  -- The time makes an epoch new even if the caller repeats itself.
  local epoch = clock[1] .. '.' .. clock[2] .. '.' .. ARGV[7]
  redis.call('DEL', STATE, LOG)
  redis.call('HSET', STATE, 'id', id, 'epoch', epoch, 'head', '0', 'lease', ARGV[6])
  return epoch, 0
end
