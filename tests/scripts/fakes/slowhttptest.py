#!/usr/bin/python3 -SE
"""Stands in for slowhttptest: opens its connections, says by which counter they are to be given up, and waits."""
import socket
import sys
import time

if "-h" in sys.argv:
    print("slowhttptest, a tool - version 9.9.9")
    sys.exit(0)


def option(name: str) -> str:
    return sys.argv[sys.argv.index(name) + 1]


counter = "timeouts_request"
if "-X" in sys.argv:
    counter = "timeouts_write" if option("-u").endswith("/250000") else "timeouts_keepalive"
host, port = option("-u").split("//")[1].split("/")[0].split(":")
clients = [socket.create_connection((host, int(port))) for _ in range(int(option("-c")))]
for client in clients:
    client.sendall(b"SLOW " + counter.encode())
time.sleep(60)
