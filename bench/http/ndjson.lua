-- A thousand events in a body.
wrk.method = "POST"
wrk.body = string.rep('{"account_id":1,"data":"foo"}\n', 1000)
wrk.headers["Content-Type"] = "application/x-ndjson"

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.timeout + errors.status,
    latency:percentile(50), latency:percentile(99)))
end
