-- Reads of any resource.
function request()
  return read(math.random(0, resources - 1))
end
