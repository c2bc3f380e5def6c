-- The generations of KEYS, "0" for a held one. A missing one is created; one
-- that is bound to another replication id may be from before bumps that were
-- lost, and is replaced.
local gens = {}
for i, key in ipairs(KEYS) do
  local gen, bound, hold = read(key)
  if hold and next(hold) then
    gens[i] = '0'
  elseif gen and not hold and (id == '' or bound == id) then
    if ARGV[2] ~= '0' then redis.call('PEXPIRE', key, ARGV[2]) end
    gens[i] = gen
  else
    gens[i] = put(key, draw(gen, bound))
  end
end
return gens
