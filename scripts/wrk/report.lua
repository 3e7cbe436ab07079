-- What every wrk script here shares: the run's figures as one line of JSON on stderr, for scripts/bench.py.
-- Not a script of its own: keepalive.lua, pipeline.lua, post.lua and close.lua load it.
--
-- What wrk 4.1 measures, and what the report therefore says beside its rows:
-- * Time comes from gettimeofday, in whole microseconds.
-- * It counts what was answered before it stopped. What was in flight then (at most a batch per connection) was served
--   and is not counted.
-- * Before done() it "corrects" the latencies: for each one longer than twice the mean time between two requests of a
--   connection it adds made-up shorter ones (wg/wrk#326, #438). The percentiles below include those; the maximum
--   stays as measured.
-- * With pipelining it records ONE latency per batch, from the write of the batch to its last answer, but the
--   correction still reckons with one per request. The made-up values outnumber the measured ones and lie below the
--   recorded minimum, where wrk does not look for them: its p90 and p99 then come out as 0. So a script that pipelines
--   sets one_latency_per_batch, and its percentiles are left out.

one_latency_per_batch = false

function done(summary, latency, requests)
   local errors = summary.errors
   local function ns(microseconds) return string.format("%.0f", microseconds * 1000) end
   local function unless_batched(value) return one_latency_per_batch and "null" or ns(value) end
   io.stderr:write("wrk-report {",
      '"requests":', string.format("%.0f", summary.requests),
      ',"duration_us":', string.format("%.0f", summary.duration),
      ',"errors":{"connect":', errors.connect, ',"read":', errors.read, ',"write":', errors.write,
      ',"status":', errors.status, ',"timeout":', errors.timeout, "}",
      ',"latency_ns":{"mean":', unless_batched(latency.mean),
      ',"p50":', unless_batched(latency:percentile(50)), ',"p90":', unless_batched(latency:percentile(90)),
      ',"p99":', unless_batched(latency:percentile(99)), ',"p99_9":', unless_batched(latency:percentile(99.9)),
      ',"max":', ns(latency.max), "}}\n")
end

-- The number a script got behind `--`; wrk's init(args) has the URL in args[0] and those in args[1] and up.
function positive_argument(args, what)
   local value = tonumber(args[1])
   if not value or value < 1 or value ~= math.floor(value) then
      io.stderr:write("wrk script: needs ", what, " behind --, a whole number from 1 up\n")
      os.exit(2)
   end
   return value
end
