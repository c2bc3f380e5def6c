-- Follows a function change(), which changes the generations of KEYS: writes
-- them to the log, in the same step. Returns the epoch, the number of the last
-- entry, how many replicas there are beside ARGV[9], whether that is one, and
-- the generations.
local epoch, head, refused = enter()
if refused then return refused end
local gens = change()
local entries = {}
for i, gen in ipairs(gens) do
  head = head + 1
  -- A key's name begins with as much as the log's and one more.
  entries[i] = digits(head) .. ' ' .. gen .. ' ' .. string.sub(KEYS[i], #LOG + 2)
end
redis.call('RPUSH', LOG, unpack(entries))
redis.call('LTRIM', LOG, '-' .. ARGV[8], -1)
redis.call('HSET', STATE, 'head', digits(head))
local self = redis.call('HEXISTS', STATE, 'member:' .. ARGV[9])
local others = redis.call('HLEN', STATE) - 4 - self
if others + self > 0 then redis.call('SPUBLISH', STATE, '') end
return { epoch, digits(head), others, self, gens }
