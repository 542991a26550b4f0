-- Returns the epoch that is bound to this server, and begins one if there is none, or if it is the one that is over. The
-- first value tells whether it has begun now. KEYS: epoch. ARGV: a random id, the id of the epoch that is over or ''.
local now = redis.call('TIME')
local epoch = redis.call('GET', KEYS[1])
local over = ARGV[2] ~= '' and epoch and string.sub(epoch, 1, #ARGV[2] + 1) == ARGV[2] .. ' '
if epoch and string.sub(epoch, -#here) == here and not over then
  return {0, false, epoch, now[1], now[2]}
end
epoch = ARGV[1] .. ' ' .. string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000)) .. ' ' .. here
redis.call('SET', KEYS[1], epoch)
return {1, false, epoch, now[1], now[2]}
