-- Bumps the first half of KEYS and deletes the second half, their values.
-- Returns the generations.
local names, values = {}, {}
for i = 1, #KEYS / 2 do
  names[i], values[i] = KEYS[i], KEYS[#KEYS / 2 + i]
end
local gens = bump(names)
redis.call('DEL', unpack(values))
return gens
