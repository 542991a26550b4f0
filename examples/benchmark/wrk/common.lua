-- What all workloads share. wrk runs this in one Lua state per thread; setup and done run in one of their own.
-- Arguments: number of threads, number of resources, a seed.
local threads = {}

function setup(thread)
  thread:set("id", #threads)
  table.insert(threads, thread)
end

function init(args)
  resources = tonumber(args[2])
  share = math.floor(resources / tonumber(args[1])) -- each thread owns this many resources, from mine on
  mine = id * share
  sent = 0 -- writes
  math.randomseed(tonumber(args[3]) * 64 + id)
  host = " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port .. "\r\n"
  body = '{"title":"Report for the board","author":"Ada","body":"Revenue is up, costs are down."}'
  put = "Content-Type: application/json\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
end

-- The strings are put together by hand: wrk.format would take a good part of what is measured.
function read(i)
  return "GET /items/" .. i .. host .. "\r\n"
end

-- The client keeps the present version of each of its resources by counting its writes; the backend begins with v0.
local version = {}

function write(i)
  local v = version[i] or 0
  version[i] = v + 1
  sent = sent + 1
  return "PUT /items/" .. i .. host .. 'If-Match: "v' .. v .. '"\r\n' .. put
end

-- wrk calls request() once without sending what it returns, to see whether that is HTTP; a write would then be counted
-- that was never made. So the first request of each thread is a read, sent or not.
local begun = false

function started()
  if begun then return true end
  begun = true
  return false
end

function done(summary, latency)
  local writes = 0
  for _, t in ipairs(threads) do writes = writes + t:get("sent") end
  local e = summary.errors
  io.write(string.format(
    'RESULT {"duration_us":%d,"requests":%d,"writes":%d,"p50_us":%d,"p99_us":%d,' ..
    '"refused":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d}\n',
    summary.duration, summary.requests, writes, latency:percentile(50), latency:percentile(99),
    e.status, e.connect, e.read, e.write, e.timeout))
end
