-- Sends the bytes of the file that $BENCH_REQUEST names, one batch of requests after the other on every
-- connection, and prints its figures as one line of `name=number` words. The bytes are made by `cargo xtask
-- bench`, which has checked the replies to the very same ones.
local file = assert(io.open(assert(os.getenv("BENCH_REQUEST"), "BENCH_REQUEST names no file"), "rb"))
local bytes = file:read("*a")
file:close()

-- Called once a thread; without a global `request` wrk then stays out of Lua while it measures.
function wrk.format()
  return bytes
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    "RESULT requests=%d bytes=%d p50_us=%d p99_us=%d connect=%d read=%d write=%d status=%d timeout=%d",
    summary.requests, summary.bytes, latency:percentile(50), latency:percentile(99),
    errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
