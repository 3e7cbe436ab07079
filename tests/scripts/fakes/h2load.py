#!/usr/bin/python3 -SE
"""Stands in for h2load of Debian 12: its command line and what it prints of HTTP/1.1, without its second of time."""
import json
import os
import socket
import sys

HERE = os.path.dirname(os.path.abspath(sys.argv[0]))
with open(os.path.join(HERE, "world.json"), encoding="utf-8") as stream:
    FAULT = json.load(stream)["faults"].get("h2load", "")


def option(name: str) -> int:
    return int(sys.argv[sys.argv.index(name) + 1])


assert "--h1" in sys.argv
host, port = sys.argv[-1].split("//")[1].split("/")[0].split(":")
requests = 300 * option("-m")
with socket.create_connection((host, int(port))) as connection, connection.makefile("rwb") as stream:
    # What is in flight when it stops it does not count.
    stream.write(b"%d\n" % (requests + option("-c") * option("-m")))
    stream.flush()
    stream.readline()
failed = 4 if FAULT == "errors" else 0
if FAULT != "prints nothing":
    print(f"""
finished in 1.00s, {requests}.00 req/s, 7.39MB/s
requests: {requests + failed} total, {requests + failed} started, {requests + failed} done, {requests} succeeded, \
{failed} failed, 0 errored, 0 timeout
status codes: {requests} 2xx, 0 3xx, {failed} 4xx, 0 5xx
                     min         max         mean         sd        +/- sd
time for request:      159us     23.26ms      1.27ms      2.10ms    86.63%
time for connect:        8us       354us       177us       105us    56.25%""")
