#!/usr/bin/python3 -SE
"""A server of another make: answers every request alike, alone or by workers that it forks after it listens. Ends as told: by SIGTERM, or,
with --die-after-requests N, by itself."""
import os
import signal
import socket
import sys


def option(name: str, default: str) -> str:
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else default


def serve(listener: socket.socket, requests_max: int) -> None:
    served = 0
    while True:
        connection, _ = listener.accept()
        with connection:
            data = b""
            while b"\r\n\r\n" not in data:
                piece = connection.recv(4096)
                if not piece:
                    break
                data += piece
            else:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
        served += 1
        if served == requests_max:
            print("enough", file=sys.stderr, flush=True)
            os._exit(7)


listener = socket.create_server(("127.0.0.1", int(option("--port", "0"))))
workers: list[int] = []
for _ in range(int(option("--workers", "0"))):
    workers.append(os.fork())
    if workers[-1] == 0:
        break
if not workers or 0 in workers:
    serve(listener, int(option("--die-after-requests", "0")))


def end(number: int, frame: object) -> None:
    for worker in workers:
        os.kill(worker, signal.SIGTERM)
        os.waitpid(worker, 0)
    sys.exit(0)


# A master that ignores its workers' death, and ends them with itself.
signal.signal(signal.SIGTERM, (lambda *_: None) if "--stubborn" in sys.argv else end)
while True:
    signal.pause()
