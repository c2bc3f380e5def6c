#!lua flags=allow-oom
-- Marks a namespace by what kind of store it is for, ARGV[1], unless it is
-- marked already. Returns the mark.
local kind = redis.call('MGET', KEYS[1])[1]
if not kind then
  kind = ARGV[1]
  redis.call('SET', KEYS[1], kind)
end
return kind
