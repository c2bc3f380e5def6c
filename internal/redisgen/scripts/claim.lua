#!lua flags=allow-oom
-- Marks a namespace by what kind of store it is for, ARGV[1], unless it is
-- marked already. Returns the mark. It runs when memory is short, since bumps
-- come after it, and it writes one key in the life of a namespace.
local kind = redis.call('MGET', KEYS[1])[1]
if not kind then
  kind = ARGV[1]
  redis.call('SET', KEYS[1], kind)
end
return kind
