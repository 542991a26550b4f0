-- KEYS: record, epoch.
local epoch = redis.call('GET', KEYS[2])
if not epoch or string.sub(epoch, -#here) ~= here then
  return redis.error_reply('FENCED there is no epoch of this server')
end
local now = redis.call('TIME')
return {0, redis.call('GET', KEYS[1]), epoch, now[1], now[2]}
