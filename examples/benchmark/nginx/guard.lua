-- Optimistic concurrency control for nginx: the entity tag of each resource is kept in Redis, and a write that does not
-- name it in If-Match is refused with 409. A write takes two trips to Redis: one small script checks the tag and takes the
-- lock at once, another one notes the new tag and lets the lock go.
local redis = require "nginx.redis"

local M = { redis_port = 6379 }

local LEASE = 60000 -- milliseconds; proxy409's timeouts.write and timeouts.settle together
local REMEMBER = 30 * 24 * 3600 -- seconds; proxy409's store.ttl

-- KEYS: tag, lock. ARGV: If-Match, token, lease.
local CLAIM = { source = [[
if redis.call('EXISTS', KEYS[2]) == 1 then return 'busy' end
local tag = redis.call('GET', KEYS[1])
if not tag then return 'unknown' end
if tag ~= ARGV[1] then return 'stale' end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return 'admitted'
]] }

-- KEYS: tag, lock. ARGV: token, what happened, the new tag, how long to remember it.
local CONCLUDE = { source = [[
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 'lost' end
if ARGV[2] == 'written' then
  redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[4])
elseif ARGV[2] == 'unknown' then
  redis.call('DEL', KEYS[1])
end
redis.call('DEL', KEYS[2])
return 'ok'
]] }

-- KEYS: tag, lock. ARGV: the tag that a read has shown, how long to remember it.
local RECORD = { source = [[
if redis.call('EXISTS', KEYS[2]) == 1 then return 'busy' end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]) end
return 'ok'
]] }

-- run runs a script on a pooled connection. It returns nil where Redis gave no answer.
local function run(script, uri, ...)
  local red = redis:new()
  red:set_timeout(300)
  local ok, err = red:connect("127.0.0.1", M.redis_port)
  local tag, lock, res = "tag:" .. uri, "lock:" .. uri, nil
  if ok and not script.sha then script.sha, err = red:script("load", script.source) end
  if ok and script.sha then
    res, err = red:evalsha(script.sha, 2, tag, lock, ...)
    if not res and err and err:find("NOSCRIPT", 1, true) then
      res, err = red:eval(script.source, 2, tag, lock, ...)
    end
  end
  if not res then
    ngx.log(ngx.ERR, "redis: ", err)
    red:close()
    return nil
  end
  red:set_keepalive(60000, 128)
  return res
end

local function refuse(status, reason)
  ngx.status = status
  ngx.header["Content-Type"] = "application/json"
  ngx.header["Cache-Control"] = "no-store"
  ngx.print('{"error":"conflict","reason":"', reason, '"}\n')
  return ngx.exit(status)
end

local hop_by_hop = { ["Connection"] = true, ["Keep-Alive"] = true, ["Transfer-Encoding"] = true }

-- answer gives the client what the backend answered.
local function answer(res)
  ngx.req.clear_header("If-Match") -- or nginx itself compares it with the new ETag, and answers 412
  ngx.status = res.status
  for name, value in pairs(res.header) do
    if not hop_by_hop[name] then ngx.header[name] = value end
  end
  ngx.print(res.body)
  return ngx.exit(res.status)
end

local function claim(uri, tag, token)
  local verdict = run(CLAIM, uri, tag, token, LEASE)
  if verdict ~= "unknown" then return verdict end
  local res = ngx.location.capture("/backend" .. ngx.var.request_uri, { method = ngx.HTTP_GET, body = "" })
  local current = res.header["ETag"]
  if res.status ~= 200 or not current then return "unknown" end
  if not run(RECORD, uri, current, REMEMBER) then return nil end
  return run(CLAIM, uri, tag, token, LEASE)
end

local methods = { PUT = ngx.HTTP_PUT, PATCH = ngx.HTTP_PATCH, DELETE = ngx.HTTP_DELETE }

function M.access()
  local method = methods[ngx.req.get_method()]
  if not method then return end
  local uri, tag, token = ngx.var.uri, ngx.var.http_if_match, ngx.var.request_id
  if not tag then return refuse(409, "missing") end
  ngx.req.read_body()

  local verdict = claim(uri, tag, token)
  if not verdict then return refuse(503, "store") end
  if verdict ~= "admitted" then return refuse(409, verdict) end

  local res = ngx.location.capture("/backend" .. ngx.var.request_uri, { method = method, always_forward_body = true })
  local outcome, new = "unchanged", res.header["ETag"] or ""
  if res.truncated or res.status >= 500 or (res.status < 400 and new == "") then
    outcome = "unknown"
  elseif res.status < 400 then
    outcome = "written"
  end
  run(CONCLUDE, uri, token, outcome, new, REMEMBER)
  return answer(res)
end

local function record(_, uri, tag)
  run(RECORD, uri, tag, REMEMBER)
end

-- log notes what a read has shown, after its answer, because this phase and those before it cannot speak to Redis. What
-- was noted within the last second is not noted again.
function M.log()
  if ngx.req.get_method() ~= "GET" or ngx.status ~= 200 then return end
  local uri, tag = ngx.var.uri, ngx.var.sent_http_etag
  if not tag or ngx.shared.seen:get(uri) == tag then return end
  ngx.shared.seen:set(uri, tag, 1)
  local ok, err = ngx.timer.at(0, record, uri, tag)
  if not ok then ngx.log(ngx.ERR, "a tag was not noted: ", err) end
end

return M
