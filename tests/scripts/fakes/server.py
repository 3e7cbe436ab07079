#!/usr/bin/python3 -SE
"""Stands in for a server program: same command line, same lines, no HTTP. Its file name is its row.

It is told over its socket how many requests it is to have answered ("n\n") and spends the CPU time that world.json
states for its row; world.json also says what is to go wrong.
"""
import json
import os
import signal
import socket
import sys
import time

HERE = os.path.dirname(os.path.abspath(sys.argv[0]))
NAME = os.path.basename(sys.argv[0])
with open(os.path.join(HERE, "world.json"), encoding="utf-8") as stream:
    WORLD = json.load(stream)
FAULT = WORLD["faults"].get(NAME, "")

if "--identity" in sys.argv:
    print(json.dumps(WORLD["identities"][NAME]))
    sys.exit(0)

if FAULT == "does not start":
    print(f"{NAME}: cannot listen: address in use", file=sys.stderr)
    sys.exit(2)

listener = socket.create_server(("127.0.0.1", 0))
count = 0


def stop(_number: int, _frame: object) -> None:
    if FAULT == "hangs at the end":
        return
    wrong = 1 if FAULT == "miscounts" else 0
    if FAULT != "prints no counters":
        print(json.dumps({"requests": count + wrong}), flush=True)
    os._exit(3 if FAULT == "ends badly" else 0)


signal.signal(signal.SIGTERM, stop)
print(f"{NAME}: ready on http://127.0.0.1:{listener.getsockname()[1]}/", flush=True)
while True:
    connection, _ = listener.accept()
    with connection, connection.makefile("rwb") as stream:
        for line in stream:
            if FAULT == "dies":
                print(f"{NAME}: assertion failed", file=sys.stderr, flush=True)
                os.kill(os.getpid(), signal.SIGABRT)
            requests = int(line)
            until = time.process_time_ns() + requests * WORLD["cost_ns"].get(NAME, 2000)
            while time.process_time_ns() < until:
                pass
            count += requests
            stream.write(b"ok\n")
            stream.flush()
