-- Each write with the entity tag that a read has shown since the write before. Read and write are half a round apart, so
-- that the answer to the one is there when the other is sent.
local at, reading = 0, true

function request()
  if not started() then return read(mine) end
  if reading then
    reading = false
    return read(mine + at)
  end
  reading = true
  local i = mine + (at + math.floor(share / 2)) % share
  at = (at + 1) % share
  return write(i)
end
