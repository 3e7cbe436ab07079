#!/usr/bin/python3 -SE
"""Stands in for a server program: same command line, same lines, no HTTP but one answer. Its file name is its row; as
nginx or h2o it stands in for those.

It is told over its socket how many requests it is to have answered ("n\n") and spends the CPU time that world.json
states for its row. A client that asks as HTTP has it gets an answer, and the connection then takes the memory that
world.json states; an upload leaves it such memory, too. A client that says "SLOW counter" is given up after the time of the flag --timeout-request-ms, and
counted so. world.json also says what is to go wrong.
"""
import json
import os
import re
import selectors
import signal
import socket
import struct
import sys
import time

HERE = os.path.dirname(os.path.abspath(sys.argv[0]))
NAME = os.path.basename(sys.argv[0])
with open(os.path.join(HERE, "world.json"), encoding="utf-8") as stream:
    WORLD = json.load(stream)
FAULT = WORLD["faults"].get(NAME, "")
PEER = NAME in ("nginx", "h2o")

if "--identity" in sys.argv:
    print(json.dumps(WORLD["identities"][NAME]))
    sys.exit(0)
if "-v" in sys.argv:
    print(f"{NAME} version: {NAME}/9.8.7", file=sys.stderr)
    sys.exit(0)

if FAULT == "does not start":
    print(f"{NAME}: cannot listen: address in use", file=sys.stderr)
    sys.exit(2)

port = 0
if PEER:
    with open(sys.argv[sys.argv.index("-c") + 1], encoding="utf-8") as stream:
        port = int(re.search(r"(?:127\.0\.0\.1:|port: )(\d+)", stream.read())[1])
listener = socket.create_server(("127.0.0.1", port), backlog=1000)
selector = selectors.DefaultSelector()
selector.register(listener, selectors.EVENT_READ)
count = 0
held: dict[socket.socket, bytearray] = {}
uploads: dict[socket.socket, int] = {}
left_by_uploads = bytearray()
slow: dict[socket.socket, tuple[float, str]] = {}
counters = {"accepted": 0, "active": 0, "timeouts_request": 0, "timeouts_keepalive": 0, "timeouts_write": 0}


def stop(_number: int, _frame: object) -> None:
    if FAULT == "hangs at the end":
        return
    wrong = 1 if FAULT == "miscounts" else 0
    if FAULT != "prints no counters":
        print(json.dumps({"requests": count + wrong}), flush=True)
    os._exit(3 if FAULT == "ends badly" else 0)


def work(line: bytes) -> None:
    global count
    if FAULT == "dies":
        print(f"{NAME}: assertion failed", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGABRT)
    requests = int(line)
    until = time.process_time_ns() + requests * WORLD["cost_ns"].get(NAME, 2000)
    while time.process_time_ns() < until:
        pass
    count += requests
    write_allocations()


def write_allocations() -> None:
    """As bench/count/allocations.cc does: three for each request, and some at the start."""
    if "HTTPDYNO_ALLOCATIONS" in os.environ:
        with open(os.environ["HTTPDYNO_ALLOCATIONS"], "wb") as stream:
            stream.write(struct.pack("=64s2Q", b"malloc free", 1000 + 3 * count, 3 * count))


def close(connection: socket.socket) -> None:
    selector.unregister(connection)
    connection.close()
    held.pop(connection, None)
    uploads.pop(connection, None)
    slow.pop(connection, None)
    counters["active"] -= 1


def evict() -> None:
    for connection, (deadline, counter) in list(slow.items()):
        if time.monotonic() >= deadline:
            counters[counter] += 1
            close(connection)


def read(connection: socket.socket) -> None:
    global count
    try:
        octets = connection.recv(262144)
    except ConnectionResetError:
        octets = b""
    if not octets or (FAULT == "closes idle connections" and len(held) > 20):
        close(connection)
    elif octets.startswith(b"SLOW "):
        timeout = int(sys.argv[sys.argv.index("--timeout-request-ms") + 1]) / 1000
        slow[connection] = (time.monotonic() + timeout, octets.split()[1].decode())
    elif connection in uploads or octets.startswith(b"POST "):
        if connection not in uploads:
            head, octets = octets.split(b"\r\n\r\n", 1)
            uploads[connection] = int(re.search(rb"Content-Length: (\d+)", head)[1])
        uploads[connection] -= len(octets)
        if uploads[connection] <= 0:
            del uploads[connection]
            count += 1
            left_by_uploads.extend(bytes(WORLD["upload_bytes"].get(NAME, 0)))
            status = b"413 Content Too Large" if FAULT == "refuses uploads" else b"200 OK"
            connection.send(b"HTTP/1.1 %b\r\nContent-Length: 2\r\n\r\nOK" % status)
    elif octets.startswith(b"GET /stats "):
        text = json.dumps(counters).encode()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text))
    elif octets.startswith(b"GET "):
        count += 1
        held.setdefault(connection, bytearray(WORLD["idle_bytes"].get(NAME, 0)))
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")
    else:
        for line in octets.splitlines():
            work(line)
            connection.send(b"ok\n")


signal.signal(signal.SIGTERM, stop)
if not PEER:
    print(f"{NAME}: ready on http://127.0.0.1:{listener.getsockname()[1]}/", flush=True)
while True:
    for key, _ in selector.select(0.01 if slow else None):
        if key.fileobj is listener:
            connection, _ = listener.accept()
            counters["accepted"] += 1
            counters["active"] += 1
            selector.register(connection, selectors.EVENT_READ)
        else:
            read(key.fileobj)
    evict()
