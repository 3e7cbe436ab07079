-- Plain keep-alive requests: wrk needs no script for them, this one only reports.   wrk ... -s keepalive.lua URL
dofile((debug.getinfo(1, "S").source:match("^@(.*/)") or "./") .. "report.lua")
