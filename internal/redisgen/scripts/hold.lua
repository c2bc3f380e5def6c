-- Holds each of KEYS for the token ARGV[4] until ARGV[5] milliseconds from
-- now. Nothing in here fails midway: all keys are held or none.
local holder, expiry = 'holder:' .. ARGV[4], now + tonumber(ARGV[5])
local held = {}
for i, key in ipairs(KEYS) do
  local gen, bound, hold = read(key)
  if not hold then
    redis.call('DEL', key)
    hold = { live = {}, expired = {} }
  end
  hold.live[holder] = expiry
  redis.call('HSET', key, holder, string.format('%.0f', expiry))
  for n, field in ipairs(hold.expired) do
    if field == holder then table.remove(hold.expired, n) break end
  end
  keep(key, gen, bound, hold)
  held[i] = '0'
end
return held
