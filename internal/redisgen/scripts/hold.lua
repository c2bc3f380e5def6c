-- Holds each of KEYS for the token ARGV[4] until ARGV[5] milliseconds from
-- now. Nothing in here fails midway: all keys are held or none.
local holder, expiry = 'holder:' .. ARGV[4], now + tonumber(ARGV[5])
local held = {}
for i, key in ipairs(KEYS) do
  local gen, bound, hold = read(key)
  hold = hold or {}
  hold[holder] = expiry
  keep(key, gen, bound, hold)
  held[i] = '0'
end
return held
