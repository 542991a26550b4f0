-- KEYS: record, epoch. ARGV: epoch id, '1' if something must be stored now or '0', what, the new value, its TTL in
-- milliseconds or '0', the last moment for it in milliseconds or '0'. The SET is the last thing that can fail: every error
-- reply means that nothing was changed.
local epoch = redis.call('GET', KEYS[2])
if not epoch or string.sub(epoch, -#here) ~= here then
  return redis.error_reply('FENCED there is no epoch of this server')
end
local now = redis.call('TIME')
local value = redis.call('GET', KEYS[1])
local same = (value and ARGV[2] == '1' and value == ARGV[3]) or (not value and ARGV[2] == '0')
local late = ARGV[6] ~= '0' and now[1] * 1000 + math.floor(now[2] / 1000) > tonumber(ARGV[6])
if not same or late or string.sub(epoch, 1, #ARGV[1] + 1) ~= ARGV[1] .. ' ' then
  return {0, value, epoch, now[1], now[2]}
end
if ARGV[5] == '0' then
  redis.call('SET', KEYS[1], ARGV[4])
else
  redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[5])
end
return {1, false, epoch, now[1], now[2]}
