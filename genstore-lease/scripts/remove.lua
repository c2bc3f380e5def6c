#!lua flags=allow-oom
-- Takes members out that have not sent a heartbeat since.
-- KEYS: 1: the hash of the namespace
-- ARGV: an id and the number of its last heartbeat, and so on
for i = 1, #ARGV, 2 do
  local field = 'member:' .. ARGV[i]
  local known = redis.call('HGET', KEYS[1], field)
  if known and string.match(known, '%d+$') == ARGV[i + 1] then
    redis.call('HDEL', KEYS[1], field)
  end
end
return redis.status_reply('OK')
