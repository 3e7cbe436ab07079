-- Pipelining: DEPTH requests in one write.   wrk ... -s pipeline.lua URL -- DEPTH
-- wrk writes the next batch when the last answer of the one before has come, and records one latency per batch.
dofile((debug.getinfo(1, "S").source:match("^@(.*/)") or "./") .. "report.lua")

one_latency_per_batch = true

function init(args)
   local depth = positive_argument(args, "the depth")
   -- wrk.init() calls wrk.format() once, after this, and sends what it returns again and again. Without a function
   -- request() wrk never enters Lua while it measures, so this is the cheapest pipelining that it can do.
   local format_one = wrk.format
   wrk.format = function(...)
      return string.rep(format_one(...), depth)
   end
end
