#!/usr/bin/python3 -SE
"""Stands in for hey: its command line and what it prints, without its second of time."""
import json
import os
import socket
import sys

HERE = os.path.dirname(os.path.abspath(sys.argv[0]))
with open(os.path.join(HERE, "world.json"), encoding="utf-8") as stream:
    FAULT = json.load(stream)["faults"].get("hey", "")

host, port = sys.argv[-1].split("//")[1].split("/")[0].split(":")
with socket.create_connection((host, int(port))) as connection, connection.makefile("rwb") as stream:
    stream.write(b"200\n")
    stream.flush()
    stream.readline()
refused = "\n  [3]\tGet \"http://127.0.0.1/\": connection refused" if FAULT == "errors" else ""
others = "\n  [503]\t5 responses" if FAULT == "other status" else ""
print(f"""
Summary:
  Total:\t1.0041 secs
  Slowest:\t0.0543 secs
  Fastest:\t0.0001 secs
  Average:\t0.0036 secs
  Requests/sec:\t250.5000


Latency distribution:
  50% in 0.0030 secs
  90% in 0.0071 secs
  99% in 0.0113 secs

Details (average, fastest, slowest):
  DNS+dialup:\t0.0000 secs, 0.0001 secs, 0.0543 secs

Status code distribution:
  [200]\t{210 if FAULT == "miscounts" else 200} responses{others}
{"Error distribution:" if refused else ""}{refused}""")
