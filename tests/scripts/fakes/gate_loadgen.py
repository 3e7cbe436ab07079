#!/usr/bin/python3 -SE
"""Stands in for `loadgen versus` under the gate: the same command line and the same files; what it reports is what world.json says it
is, with a little noise that its seed fixes. Nothing is asked of the servers; where they count, they are told."""
import json
import math
import os
import random
import socket
import sys
import time

HERE = os.path.dirname(os.path.abspath(sys.argv[0]))
with open(os.path.join(HERE, "world.json"), encoding="utf-8") as stream:
    WORLD = json.load(stream)
FAULT = WORLD.get("fault", "")


def option(name: str, default: str = "") -> str:
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else default


def histogram(chance: random.Random, stalls: int) -> list[list[int]]:
    """Of a thousand requests, of which so many are held up."""
    counts: dict[int, int] = {}
    for number in range(1000):
        latency = round(5000 * math.exp(round(chance.gauss(0, 1), 1))) + (5_000_000 if number < stalls else 0)
        counts[latency] = counts.get(latency, 0) + 1
    return [[value, counts[value]] for value in sorted(counts)]


def versus() -> None:
    chance = random.Random(int(option("--seed")))
    pids = {side: option(f"--pid-{side}").split(",") for side in "ab"}
    environments = {side: len(open(f"/proc/{pids[side][0]}/environ", "rb").read()) for side in "ab"}
    if not WORLD.get("silent"):
        with open(os.path.join(HERE, "calls.ndjson"), "a", encoding="utf-8") as calls:
            calls.write(json.dumps({"arguments": sys.argv[1:], "environments": environments}) + "\n")
    # A program against itself has no loss: the canary's sides are started in the same way.
    commands = {side: open(f"/proc/{pids[side][0]}/cmdline", "rb").read().split(b"\0")[-2] for side in "ab"}
    loss = WORLD["loss"] if commands["a"] != commands["b"] else WORLD.get("canary_loss", 0.0)
    loss += chance.gauss(0, WORLD["spread"])
    if FAULT == "dies":
        print("loadgen: server b at http://127.0.0.1/ went away: connections reset", file=sys.stderr)
        sys.exit(1)
    if FAULT == "hangs":
        time.sleep(60)
    time.sleep(WORLD.get("seconds", 0.0))
    pairs, lines = int(option("--pairs")), []
    for pair in range(pairs):
        for position, side in enumerate("ab" if chance.random() < 0.5 else "ba"):
            factor = math.exp(loss) if side == "b" else 1.0
            one = {"pair": pair, "side": side, "position": position, "requests": 1000, "cpu_ns": round(50_000_000 * factor),
                   "wall_ns": round(25_000_000 * factor), "errors": 0, "sent": 1000, "censored": 0}
            if not option("--rate"):
                lines.append({**one, "service_ns": [[5000, 1000]]})
                continue
            latencies = histogram(chance, WORLD.get("stalls", 0) if commands["a"] != commands["b"] and side == "b" else 0)
            lines.append({**one, "due": 1000, "wall_ns": round(1e12 / float(option("--rate"))), "response_ns": latencies})
    for url in sys.argv[2:4] if WORLD.get("tells") else ():
        with socket.create_connection(("127.0.0.1", int(url.split(":")[2].split("/")[0]))) as connection:
            connection.sendall(b"%d" % (1000 * pairs))
            connection.recv(100)
    if FAULT == "no number":
        lines[0]["cpu_ns"] = float("nan")
    if FAULT == "no answers":
        lines[0]["requests"] = 0
    if FAULT == "errors":
        lines[0]["errors"] = 3
    if FAULT == "a slice is missing":
        del lines[0]
    lines.append({"pairs": pairs, "requests_a": 1000 * pairs, "requests_b": 1000 * pairs, "errors": 0, "interrupted": False})
    if FAULT == "cut off":
        lines.pop()
    if FAULT == "empty file":
        lines = []
    with open(option("--ndjson"), "w", encoding="utf-8") as stream:
        stream.writelines(json.dumps(line) + "\n" for line in lines)


if "--identity" in sys.argv:
    print(json.dumps(WORLD["identity"]))
else:
    versus()
