"""Load generators that stand beside loadgen and wrk in the table of generators alone: their command lines, and what they
print, in the common form. What a tool does not print is None, never made up."""

from __future__ import annotations

import re
import shutil
import subprocess

from .errors import RunError, UsageError
from .generators import PERCENTILES, Load, last_words
from .processes import Finished, describe_exit, run_to_end
from .tables import Workload

_UNITS_NS = {"us": 1e3, "ms": 1e6, "s": 1e9}
_TIME = r"([0-9.]+)(us|ms|s)"
# Of h2load 1.52: the least, the greatest and the mean time of a request, and no percentile.
_H2LOAD_COUNTS = re.compile(
    r"^requests: \d+ total, \d+ started, (?P<done>\d+) done, (?P<succeeded>\d+) succeeded, (?P<failed>\d+) failed, "
    r"(?P<errored>\d+) errored, (?P<timeout>\d+) timeout$", re.M)
_H2LOAD_RATE = re.compile(r"^finished in \S+, ([0-9.]+) req/s", re.M)
_H2LOAD_TIMES = re.compile(rf"^time for request: +{_TIME} +{_TIME} +{_TIME} ", re.M)
# Of hey: seconds with four decimals.
_HEY_STATUS = re.compile(r"^ +\[(\d+)\]\t(\d+) responses$", re.M)
_HEY_RATE = re.compile(r"^ +Requests/sec:\t([0-9.]+)$", re.M)
_HEY_MEAN = re.compile(r"^ +Average:\t([0-9.]+) secs$", re.M)
_HEY_MAX = re.compile(r"^ +Slowest:\t([0-9.]+) secs$", re.M)
_HEY_PERCENTILES = re.compile(r"^ +(\d+)% in ([0-9.]+) secs$", re.M)


def h2load(url: str, workload: Workload, core: int, seconds: int, rate: int | None = None) -> Load:
    """`rate`: requests per second over all connections. It pipelines: of HTTP/1.1 its -m is the depth."""
    command = [
        _program("h2load"), "--h1", "-t", "1", "-c", str(workload.connections), "-m", str(workload.pipeline),
        "-D", str(seconds), *(() if rate is None else ("--rps", f"{rate / workload.connections:.6f}")),
        url + workload.path,
    ]
    finished = _run(command, core, seconds)
    counts = _found(_H2LOAD_COUNTS, finished, "h2load").groupdict()
    faults = [f"{name} {counts[name]}" for name in ("failed", "errored", "timeout") if counts[name] != "0"]
    if faults or counts["done"] != counts["succeeded"]:
        raise RunError(f"h2load counted errors ({', '.join(faults) or 'not all succeeded'})")
    times = _found(_H2LOAD_TIMES, finished, "h2load").groups()
    _, longest, mean = (float(value) * _UNITS_NS[unit] for value, unit in zip(times[::2], times[1::2], strict=True))
    return _load(
        "h2load", finished, workload, int(counts["done"]), float(_found(_H2LOAD_RATE, finished, "h2load")[1]),
        {"mean": mean, "max": longest},
    )


def hey(url: str, workload: Workload, core: int, seconds: int, rate: int | None = None) -> Load:
    """It has one request in flight on each connection, always."""
    command = [
        _program("hey"), "-cpus", "1", "-c", str(workload.connections), "-z", f"{seconds}s",
        *(() if rate is None else ("-q", f"{rate / workload.connections:.6f}")), url + workload.path,
    ]
    finished = _run(command, core, seconds)
    by_status = {status: int(count) for status, count in _HEY_STATUS.findall(finished.stdout)}
    others = [f"status {status} {count}" for status, count in by_status.items() if status != "200"]
    if others or "Error distribution" in finished.stdout:
        raise RunError(f"hey counted errors ({', '.join(others) or 'see its error distribution'})")
    percentiles = {f"p{share}": float(value) * 1e9 for share, value in _HEY_PERCENTILES.findall(finished.stdout)}
    return _load(
        "hey", finished, workload, by_status.get("200", 0), float(_found(_HEY_RATE, finished, "hey")[1]),
        {
            "mean": float(_found(_HEY_MEAN, finished, "hey")[1]) * 1e9,
            "max": float(_found(_HEY_MAX, finished, "hey")[1]) * 1e9, **percentiles,
        },
    )


def version_of(package: str) -> str:
    """As Debian has it: hey itself does not say."""
    query = ["dpkg-query", "-W", "-f=${Version}", package]
    try:
        done = subprocess.run(query, capture_output=True, text=True, check=False, timeout=10)
    except FileNotFoundError:
        return "unknown"
    return done.stdout.strip() or "unknown"


def refuse_missing() -> None:
    for name in ("h2load", "hey"):
        _program(name)


def _program(name: str) -> str:
    program = shutil.which(name)
    if program is None:
        raise UsageError(f"{name} is not installed: run scripts/setup")
    return program


def _run(command: list[str], core: int, seconds: int) -> Finished:
    finished = run_to_end(command, core, seconds)
    if finished.code != 0:
        name = command[0].rsplit("/", 1)[-1]
        raise RunError(f"{name} failed ({describe_exit(finished.code)}){last_words(finished)}")
    return finished


def _found(pattern: re.Pattern[str], finished: Finished, name: str) -> re.Match[str]:
    match = pattern.search(finished.stdout)
    if match is None:
        raise RunError(f"{name} printed no figures{last_words(finished)}")
    return match


def _load(
    name: str, finished: Finished, workload: Workload, requests: int, rate: float, printed: dict[str, float]
) -> Load:
    return Load(
        generator=name,
        requests=requests,
        uncounted_max=workload.connections * workload.pipeline,
        requests_per_second=rate,
        latency_ns={key: printed.get(key) for key in PERCENTILES},
        cpu_ns=finished.cpu_ns,
        wall_ns=finished.wall_ns,
        cpu_share=finished.cpu_ns / finished.wall_ns,
    )
