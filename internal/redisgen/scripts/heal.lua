#!lua flags=allow-oom
-- Deletes each of KEYS whose value is the one in the same place of ARGV.
local values = redis.call('MGET', unpack(KEYS))
for i, key in ipairs(KEYS) do
  if values[i] == ARGV[i] then redis.call('DEL', key) end
end
return #KEYS
