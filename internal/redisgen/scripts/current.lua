#!lua flags=allow-oom
-- The generation of one key, nil when it has none, is held, or is bound to
-- another replication id than the one now in force. It declares itself a
-- write, as all scripts here do, and writes nothing; but with ARGV[1] it begins
-- the generation's time to live anew, in milliseconds.
-- MGET answers nil for a hold, where GET would fail.
local record = redis.call('MGET', KEYS[1])[1]
if not record then return nil end
local gen, bound = string.match(record, '^(%d+):(%x+)$')
if not gen then return nil end
local info = redis.call('INFO', 'replication')
local _, last = string.find(info, '\nmaster_replid:', 1, true)
if not last or string.sub(info, last + 1, last + 20) ~= bound then return nil end
if ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return gen
