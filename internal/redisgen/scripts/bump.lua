-- Gives each of KEYS a new generation and returns them, "0" for a key that is
-- held and stays so.
local gens = {}
for i, key in ipairs(KEYS) do
  local gen, bound, hold = read(key)
  local drawn = draw(gen, bound)
  if hold and next(hold) then
    keep(key, drawn, id, hold)
    gens[i] = '0'
  else
    gens[i] = put(key, drawn)
  end
end
return gens
