"""More clients than the server may have descriptors: it must neither spin nor forget anybody.

All clients connect and ask at once. Those that are answered hold their connection while the server's CPU time is
measured; then they close, and everybody else must be answered.
"""

from __future__ import annotations

import argparse
import select
import socket
import time

from httpdyno_bench.errors import RunError
from httpdyno_robustness.program import running

NAME = "descriptors"
HELP = "more clients than descriptors"
_QUESTION = b"GET /plaintext HTTP/1.1\r\nHost: trial\r\n\r\n"
_PATIENCE_SECONDS = 30.0
# When so long nobody is answered, the server is full.
_QUIET_SECONDS = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--descriptors", type=int, default=64, help="the server's RLIMIT_NOFILE")
    parser.add_argument("--clients", type=int, default=200, help="at a time")
    parser.add_argument("--seconds", type=float, default=3.0, help="for which the CPU time is measured")
    parser.add_argument("--cpu-percent-max", type=float, default=5.0, help="of one core, while it is full")


def _answered(clients: list[socket.socket], wanted: int, quiet_seconds: float) -> list[socket.socket]:
    """Those that have an answer, once there are `wanted`, or nobody has got one for `quiet_seconds`."""
    poll = select.poll()
    waiting = {client.fileno(): client for client in clients}
    for descriptor in waiting:
        poll.register(descriptor, select.POLLIN)
    found = []
    begin = time.monotonic()
    while len(found) < wanted and time.monotonic() - begin < _PATIENCE_SECONDS:
        ready = poll.poll(quiet_seconds * 1000)
        if not ready:
            break
        for descriptor, _ in ready:
            poll.unregister(descriptor)
            client = waiting.pop(descriptor)
            answer = client.recv(4096)
            if not answer.startswith(b"HTTP/1.1 200 OK\r\n"):
                raise RunError(f"an answer that is none: {answer[:100]!r}")
            found.append(client)
    return found


def run(arguments: argparse.Namespace) -> int:
    flags = ["--loops", str(arguments.loops), "--timeout-keepalive-ms", "600000", "--timeout-request-ms", "600000"]
    clients: list[socket.socket] = []
    with running(arguments.bin_dir / arguments.row, flags, arguments.descriptors) as server:
        try:
            for _ in range(arguments.clients):
                client = socket.create_connection(("127.0.0.1", server.port), timeout=_PATIENCE_SECONDS)
                client.sendall(_QUESTION)
                clients.append(client)
            inside = _answered(clients, len(clients), _QUIET_SECONDS)
            if len(inside) == len(clients):
                raise RunError("the server had descriptors for everybody")
            begin, cpu = time.monotonic(), server.cpu_ns()
            time.sleep(arguments.seconds)
            percent = 100 * (server.cpu_ns() - cpu) / 1e9 / (time.monotonic() - begin)
            # Each that goes makes room for one.
            served = len(inside)
            waiting = [client for client in clients if client not in inside]
            while inside and waiting:
                for client in inside:
                    client.close()
                inside = _answered(waiting, min(len(inside), len(waiting)), _PATIENCE_SECONDS)
                served += len(inside)
                waiting = [client for client in waiting if client not in inside]
        finally:
            for client in clients:
                client.close()
        server.terminate()
        counters = server.wait(_PATIENCE_SECONDS)
    print(
        f"{arguments.row}, {arguments.loops} loops, {arguments.descriptors} descriptors, {arguments.clients} clients: "
        f"{percent:.2f} % of a core while full, {served} served, {counters['accept_errors']} failed accepts"
    )
    return 0 if percent < arguments.cpu_percent_max and served == arguments.clients else 1
