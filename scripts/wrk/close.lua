-- A new connection for each request: the request asks to close, wrk connects again.   wrk ... -s close.lua URL
dofile((debug.getinfo(1, "S").source:match("^@(.*/)") or "./") .. "report.lua")

wrk.headers["Connection"] = "close"
