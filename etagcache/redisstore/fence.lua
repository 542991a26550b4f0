-- Runs before each of the scripts. The two lines above it name the server that the script was loaded on: `run` is the
-- run_id of its process, `history` the master_replid of its data.
local here = run .. ' ' .. history
local state = redis.call('INFO', 'replication')
if not string.find(state, 'role:master', 1, true) then
  return redis.error_reply('READONLY this server is not a master, or no longer')
end
if not string.find(state, 'master_replid:' .. history, 1, true) then
  return redis.error_reply('FENCED the replication history is another')
end
