#!/usr/bin/python3 -SE
"""Stands in for loadgen: same command line, same files, no HTTP. What it reports is made up, its counts are true."""
import json
import os
import socket
import sys
import time

HERE = os.path.dirname(os.path.abspath(sys.argv[0]))
with open(os.path.join(HERE, "world.json"), encoding="utf-8") as stream:
    WORLD = json.load(stream)
FAULT = WORLD["faults"].get("loadgen", "")
HGRM = """       Value     Percentile TotalCount 1/(1-Percentile)

       0.100 0.000000000000          1           1.00
       0.200 0.500000000000        500           2.00
       0.300 0.900000000000        900          10.00
       0.400 0.990000000000        990         100.00
       0.500 0.999000000000        999        1000.00
       0.600 1.000000000000       1000
#[Mean    =        0.210, StdDeviation   =        0.010]
#[Max     =        0.600, Total count    =         1000]
#[Buckets =           32, SubBuckets     =         2048]
"""


def option(name: str, default: str = "") -> str:
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else default


def seconds(text: str) -> float:
    return float(text[:-2]) / 1000 if text.endswith("ms") else float(text.rstrip("s") or 0)


def ask(url: str, requests: int) -> None:
    host, port = url.split("//")[1].split("/")[0].split(":")
    with socket.create_connection((host, int(port))) as connection, connection.makefile("rwb") as stream:
        stream.write(b"%d\n" % requests)
        stream.flush()
        if stream.readline() != b"ok\n":
            print("loadgen: the server closed the connection", file=sys.stderr)
            sys.exit(1)


def single() -> None:
    requests = 500 + 100 * round(20 * seconds(option("-d")))
    time.sleep(min(seconds(option("-d")) + seconds(option("--warmup", "0")), 0.02))  # No test needs more.
    ask(sys.argv[1], requests)
    noise = 1 + (os.getpid() % 7) / 100
    errors = 3 if FAULT == "errors" else 0
    latency = {"mean": 210e3, "p50": 200e3 * noise, "p90": 300e3, "p99": 400e3, "p99_9": 500e3, "max": 600e3}
    if FAULT == "few requests":
        latency |= {"p99": None, "p99_9": None}
    latencies = {"service_ns": latency}
    if "--rate" in sys.argv:
        # A closed loop has neither.
        latencies |= {"queue_ns": {**latency, "p50": 2e3, "p99": 20e3}, "response_ns": {**latency, "p50": 201e3}}
    reasons = []
    if FAULT.startswith("void") and not voided_before():
        reasons = [reason("steal_share", "void", 0.5, 0.2), reason("drift_share", "suspect", 0.3, 0.1)]
    elif FAULT == "suspect":
        reasons = [reason("drift_share", "suspect", 0.3, 0.1)]
    level = reasons[0]["level"] if reasons else "valid"
    figures = {
        "requests": requests, "measured_requests": requests - 50, "requests_per_second": 100e3 * noise,
        "errors": {"total": errors, "connect": 0, "read": 0, "write": 0, "timeout": errors, "parse": 0},
        "cpu_ns_per_request": 1500.0, "duration_seconds": 0.1, "generator_cpu_share": 0.99,
        "connections": 64, "threads": 1, "pipeline": 1, "seed": 1,
        "verdict": {"level": level, "reasons": reasons}, **latencies,
    }
    if "--mix" in sys.argv:
        with open(option("--mix"), encoding="utf-8") as stream:
            kinds = json.load(stream)["requests"]
        figures["kinds"] = [{"name": kind["name"], "requests": requests * kind["weight"] // 100, **latencies}
                            for kind in kinds]
    if FAULT == "not a number":
        figures["requests_per_second"] = float("nan")
    if level == "void":
        figures = {"verdict": figures["verdict"]}
    if FAULT != "writes nothing":
        with open(option("--json"), "w", encoding="utf-8") as stream:
            json.dump(figures, stream)
    if "--hgrm" in sys.argv:
        with open(option("--hgrm"), "w", encoding="utf-8") as stream:
            stream.write(HGRM)
    if level == "void":
        print(f"loadgen: the run is void: {reasons[0]['text']}", file=sys.stderr)
    sys.exit(3 if level == "void" else 1 if errors else 0)


def reason(key: str, level: str, value: float, limit: float) -> dict[str, object]:
    return {"key": key, "level": level, "text": f"{key} was {value}", "value": value, "limit": limit}


def voided_before() -> bool:
    """Of the fault "void once"; the other one is void each time."""
    marker = os.path.join(HERE, "voided")
    if FAULT == "void once" and os.path.exists(marker):
        return True
    open(marker, "w", encoding="utf-8").close()
    return False


def cpu_ns(pid: str) -> int:
    return time.clock_gettime_ns((~int(pid) << 3) | 2)


def versus() -> None:
    sides = {"a": (sys.argv[2], option("--pid-a")), "b": (sys.argv[3], option("--pid-b"))}
    total = {"a": 0, "b": 0}
    with open(option("--ndjson"), "w", encoding="utf-8") as stream:
        for pair in range(int(option("--pairs"))):
            for position, side in enumerate("ab" if pair % 2 else "ba"):
                url, pid = sides[side]
                before = cpu_ns(pid)
                ask(url, 100)
                line = {"pair": pair, "side": side, "position": position, "requests": 100,
                        "cpu_ns": cpu_ns(pid) - before, "wall_ns": 1000000}
                if FAULT == "empty slice":
                    line["requests"] = 0
                stream.write(json.dumps(line) + "\n")
                total[side] += 100
        total["b"] += FAULT == "miscounts in turn"
        if FAULT != "cut off":
            stream.write(json.dumps({"summary": True, "requests_a": total["a"], "requests_b": total["b"]}) + "\n")


if "--identity" in sys.argv:
    print(json.dumps(WORLD["identities"]["loadgen"]))
elif sys.argv[1] == "versus":
    versus()
else:
    single()
