-- Takes the hold of the token ARGV[4] off each of KEYS, if it still has one,
-- and bumps the key either way. Returns the generations, "0" for a key that
-- others hold.
local holder = 'holder:' .. ARGV[4]
local gens = {}
for i, key in ipairs(KEYS) do
  local gen, bound, hold = read(key)
  local drawn = draw(gen, bound)
  if hold then hold[holder] = nil end
  if hold and next(hold) then
    keep(key, drawn, id, hold)
    gens[i] = '0'
  else
    gens[i] = put(key, drawn)
  end
end
return gens
