-- Follows a function change(), which creates those of the generations of KEYS
-- that are missing. That is no invalidation and is not logged. Returns the
-- epoch, the head and the generations.
local epoch, head, refused = enter()
if refused then return refused end
return { epoch, digits(head), change() }
