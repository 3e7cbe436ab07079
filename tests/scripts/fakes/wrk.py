#!/usr/bin/python3 -SE
"""Stands in for wrk: its command line and the line that scripts/wrk/report.lua prints, without its second of time."""
import json
import os
import socket
import sys

HERE = os.path.dirname(os.path.abspath(sys.argv[0]))
with open(os.path.join(HERE, "world.json"), encoding="utf-8") as stream:
    FAULT = json.load(stream)["faults"].get("wrk", "")

if "-v" in sys.argv:
    print("wrk fake/4.1.0 [epoll] Copyright")
    sys.exit(1)

url = next(word for word in sys.argv if word.startswith("http://"))
script = sys.argv[sys.argv.index("-s") + 1]
assert os.path.isfile(script), script
host, port = url.split("//")[1].split("/")[0].split(":")
requests = 400
with socket.create_connection((host, int(port))) as connection, connection.makefile("rwb") as stream:
    # A few are in flight when it stops: answered by the server, not counted here.
    stream.write(b"%d\n" % (requests + (5000 if FAULT == "miscounts" else 3)))
    stream.flush()
    stream.readline()
batched = script.endswith("pipeline.lua")
latency = {key: None if batched else 250000 for key in ("mean", "p50", "p90", "p99", "p99_9")}
errors = {"connect": 0, "read": 2 if FAULT == "errors" else 0, "write": 0, "status": 0, "timeout": 0}
print("Running 1s test")
print("wrk-report " + json.dumps({"requests": requests, "duration_us": 100000, "errors": errors,
                                  "latency_ns": {**latency, "max": 900000}}), file=sys.stderr)
