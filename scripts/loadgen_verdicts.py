#!/usr/bin/python3
"""Whether loadgen's verdict on its own runs holds: healthy runs are to be called valid, spoilt ones are to be found out.

  healthy    one connection in a closed loop, and 2,000 requests per second on eight, in turn; server and generator each on a core
  stopped    SIGSTOP for half a second, in the middle
  throttled  a control group with a twentieth of a core, for the second half; skipped where none can be made
  one-core   server and generator on one core

Where this is allowed, what is healthy runs at a real-time priority (chrt --fifo): neighbours on a shared machine are then no part of it.

Exit code: 0 each verdict was as it should be, 1 one was not, 2 the trial could not be made.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from httpdyno_bench.command_line import Parser, exit_code_of
from httpdyno_bench.errors import RunError, UsageError
from httpdyno_bench.servers import serving

ROOT = Path(__file__).resolve().parents[1]
REAL_TIME = ("chrt", "--fifo", "10")
VOID = 3
GROUPS = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/cpu"))
PERIOD_US = 100_000
Meanwhile = Callable[[subprocess.Popen[bytes]], None]


@dataclasses.dataclass(frozen=True)
class Trial:
    """`found_by` are the reasons of which a spoilt run must give at least one; a healthy run must give none."""

    name: str
    found_by: frozenset[str]
    run: Callable[[int], dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class Bench:
    bin_dir: Path
    seconds: float

    def verdict(self, load: Sequence[str], cores: tuple[int, int], meanwhile: Meanwhile,
                server_wrapper: Sequence[str] = (), wrapper: Sequence[str] = ()) -> dict[str, Any]:
        """Of one run of loadgen against a fresh server on its core. A wrapper is a command that becomes the program it is given."""
        with tempfile.TemporaryDirectory() as folder, serving(
                self.bin_dir / "inline-system", [], cores[0], wrapper=server_wrapper) as server:
            report = Path(folder) / "run.json"
            command = [*wrapper, "taskset", "-c", str(cores[1]), str(self.bin_dir / "loadgen"), f"{server.url}/plaintext", *load,
                       "--duration", f"{self.seconds}", "--warmup", "0.2", "--json", str(report)]
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
                meanwhile(process)
                _, said = process.communicate(timeout=self.seconds + 30)
            if process.returncode not in (0, VOID):
                raise RunError(f"loadgen ended with {process.returncode}: {said.decode(errors='replace').strip()}")
            return dict(json.loads(report.read_text(encoding="utf-8"))["verdict"])


def undisturbed(process: subprocess.Popen[bytes]) -> None:
    del process


def stopped(seconds: float) -> Meanwhile:
    def meanwhile(process: subprocess.Popen[bytes]) -> None:
        time.sleep(seconds / 2)
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.5)
        process.send_signal(signal.SIGCONT)

    return meanwhile


@contextlib.contextmanager
def control_group() -> Iterator[Path | None]:
    """A new one whose time on the cores can be bounded; None where that is not allowed."""
    for parent in GROUPS:
        group = parent / f"loadgen-verdicts-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            if (group / "cpu.max").exists() or (group / "cpu.cfs_quota_us").exists():
                yield group
                return
        finally:
            group.rmdir()
    yield None


def throttled(group: Path, seconds: float) -> Meanwhile:
    def bound(quota_us: int | None) -> None:
        if (group / "cpu.max").exists():
            (group / "cpu.max").write_text(f"{'max' if quota_us is None else quota_us} {PERIOD_US}")
        else:
            (group / "cpu.cfs_quota_us").write_text(f"{-1 if quota_us is None else quota_us}")

    def meanwhile(process: subprocess.Popen[bytes]) -> None:
        time.sleep(seconds / 2)
        bound(PERIOD_US // 20)
        time.sleep(seconds / 2)
        bound(None)
        process.wait(timeout=30)

    return meanwhile


def real_time_is_allowed() -> bool:
    with contextlib.suppress(OSError):
        return subprocess.run([*REAL_TIME, "true"], capture_output=True, check=False).returncode == 0
    return False


def repeat(trial: Trial, count: int) -> bool:
    """Prints what the verdicts were; whether all were as they should be."""
    levels: collections.Counter[str] = collections.Counter()
    keys: collections.Counter[str] = collections.Counter()
    right = 0
    for number in range(count):
        verdict = trial.run(number)
        found = {reason["key"] for reason in verdict["reasons"]}
        levels[verdict["level"]] += 1
        keys.update(found)
        right += bool(found & trial.found_by) if trial.found_by else not found
    wanted = "found out" if trial.found_by else "valid"
    print(f"{trial.name:10} {right} of {count} {wanted}; {listed(levels)}" + (f"; for {listed(keys)}" if keys else ""), flush=True)
    return right == count


def listed(counts: collections.Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())


def trials(bench: Bench, cores: tuple[int, int], group: Path | None, quiet: Sequence[str]) -> Iterator[Trial]:
    loads = (("-c", "1"), ("-c", "8", "--rate", "2000"))
    yield Trial("healthy", frozenset(), lambda number: bench.verdict(loads[number % 2], cores, undisturbed, quiet, quiet))
    yield Trial("stopped", frozenset({"longest_pause_ns"}),
                lambda number: bench.verdict(loads[number % 2], cores, stopped(bench.seconds)))
    if group is None:
        print("throttled  skipped: no control group with a bound of its own can be made here")
    else:
        inside = ("sh", "-c", f'echo $$ >{group}/cgroup.procs; exec "$@"', "sh")
        yield Trial("throttled", frozenset({"throttled_share"}), lambda number: bench.verdict(
            ("-c", "16"), cores, throttled(group, bench.seconds), wrapper=inside))
    yield Trial("one-core", frozenset({"run_queue_share", "involuntary_switches_per_second"}), lambda number: bench.verdict(
        ("-c", "16"), (cores[0], cores[0]), undisturbed))


def run(arguments: argparse.Namespace) -> int:
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise UsageError("two cores are needed: one for the server, one for the generator")
    quiet = REAL_TIME if real_time_is_allowed() else ()
    bench = Bench(arguments.bin_dir, arguments.seconds)
    print(f"{arguments.seconds:g} s each; healthy ones at {'a real-time' if quiet else 'the usual'} priority", flush=True)
    good = True
    with control_group() as group:
        for trial in trials(bench, (cores[0], cores[1]), group, quiet):
            good = repeat(trial, arguments.healthy if not trial.found_by else arguments.spoilt) and good
    return 0 if good else 1


def main() -> int:
    parser = Parser("scripts/loadgen_verdicts.py", __doc__)
    parser.add_argument("--bin-dir", type=Path, default=ROOT / "build" / "release" / "bin", help="where the programs are")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each run")
    parser.add_argument("--healthy", type=int, default=20, help="how many healthy runs")
    parser.add_argument("--spoilt", type=int, default=5, help="how many runs of each kind that is spoilt")
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(exit_code_of("scripts/loadgen_verdicts.py", main))
