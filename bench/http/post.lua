-- One event of the example's size, again and again.
wrk.method = "POST"
wrk.body = '{"account_id":1,"data":"foo"}'
wrk.headers["Content-Type"] = "application/json"

-- What came back is told, so that no error is measured as if it were an answer.
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.timeout + errors.status,
    latency:percentile(50), latency:percentile(99)))
end
