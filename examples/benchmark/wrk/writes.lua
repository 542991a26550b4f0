-- Writes, each with the resource's present entity tag. Going round through its own resources, a thread comes back to
-- one long after the answer to its last write.
local at = 0

function request()
  if not started() then return read(mine) end
  local i = mine + at
  at = (at + 1) % share
  return write(i)
end
