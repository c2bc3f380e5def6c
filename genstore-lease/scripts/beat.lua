-- A heartbeat. Registers the replica ARGV[9], if there is one, and notes what it
-- has applied. Returns the epoch, the head, what the replica lacks of the log,
-- and the hash if that is asked for.
-- ARGV: 11: the number of the heartbeat; 12: the epoch that the replica is in;
--       13: up to where it has applied the log; 14: how much of the log to
--       return at most; 15: "1" to return the hash
local epoch, head, refused = enter()
if refused then return refused end
local same = ARGV[12] == epoch
if ARGV[9] ~= '' then
  local field = 'member:' .. ARGV[9]
  local known = redis.call('HGET', STATE, field)
  local acked = known and tonumber(string.match(known, '^%d+')) or 0
  -- An acknowledgement of another epoch says nothing in this one.
  if same and tonumber(ARGV[13]) > acked then acked = tonumber(ARGV[13]) end
  redis.call('HSET', STATE, field, digits(acked) .. ' ' .. ARGV[11])
end
local entries = {}
if same then
  local behind = head - tonumber(ARGV[13])
  if behind > 0 then
    local last = -1
    if behind > tonumber(ARGV[14]) then last = tonumber(ARGV[14]) - behind - 1 end
    entries = redis.call('LRANGE', LOG, -behind, last)
  end
end
local state = {}
if ARGV[15] == '1' then state = redis.call('HGETALL', STATE) end
return { epoch, digits(head), entries, state }
