-- wrk: POST the signed bodies of the file in BENCH_BODIES, one after the other.
local requests, last = {}, 0

function init(_)
  for line in io.lines(os.getenv("BENCH_BODIES")) do
    local headers = {
      ["Content-Type"] = "application/json",
      ["x-metriport-signature"] = line:sub(1, 64),
    }
    requests[#requests + 1] = wrk.format("POST", nil, headers, line:sub(66))
  end
end

function request()
  last = last % #requests + 1
  return requests[last]
end

function done(summary, latency, _)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.timeout
  print(string.format(
    'RESULT {"answers": %d, "not_200": %d, "failed": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f}',
    summary.requests, errors.status, failed, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
