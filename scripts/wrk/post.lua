-- POST with a body of BYTES bytes.   wrk ... -s post.lua URL -- BYTES
dofile((debug.getinfo(1, "S").source:match("^@(.*/)") or "./") .. "report.lua")

function init(args)
   wrk.method = "POST"
   wrk.body = string.rep("x", positive_argument(args, "the bytes of the body"))
end
