-- Returns the epoch that is bound to this server, and begins one if there is none. KEYS: epoch. ARGV: a random id.
local epoch = redis.call('GET', KEYS[1])
if epoch and string.sub(epoch, -#here) == here then
  return epoch
end
local now = redis.call('TIME')
epoch = ARGV[1] .. ' ' .. string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000)) .. ' ' .. here
redis.call('SET', KEYS[1], epoch)
return epoch
