"""The load generators: their command lines, and their figures in one common form."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .errors import RunError, UsageError, VoidRun
from .plan import SETTLE_PAIRS, SLICE_MS
from .processes import Finished, ask, describe_exit, run_to_end
from .servers import Server
from .tables import Workload

PERCENTILES = ("mean", "p50", "p90", "p99", "p99_9", "max")
# Above this share of its own core a generator is what limits the requests per second.
BOUND_SHARE = 0.95
_WRK_SCRIPTS = Path(__file__).resolve().parent.parent / "wrk"
_WRK_REPORT = "wrk-report "
# loadgen's exit code where its own figures are not to be believed; there are none then.
_VOID = 3
# Every generator here works with one thread: it has one core.
_THREADS = 1


@dataclasses.dataclass(frozen=True)
class Load:
    """What one run of a generator did, as it says itself, and what it cost, as the kernel says."""

    generator: str
    requests: int
    # What it may have left unanswered, and therefore uncounted, when it stopped.
    uncounted_max: int
    requests_per_second: float
    # In an open loop from the due time on, in a closed one from the sending; None where there is no figure.
    latency_ns: Mapping[str, float | None]
    cpu_ns: int
    wall_ns: int
    cpu_share: float
    # Of a mix: requests and latency_ns by kind.
    kinds: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    # Of an open loop: how long requests were due and not sent (queue_ns), and sent and not answered (service_ns).
    parts: Mapping[str, Mapping[str, float | None]] = dataclasses.field(default_factory=dict)
    # Why it calls itself suspect.
    suspect: tuple[Mapping[str, Any], ...] = ()


@dataclasses.dataclass(frozen=True)
class Turns:
    """Two servers driven in turn: for each pair of slices the logarithm of CPU per request, b over a."""

    log_ratios: tuple[float, ...]
    cpu_ns_per_request: Mapping[str, float]
    requests: Mapping[str, int]


class Generators:
    """The programs that make load, found once at the start of a run."""

    def __init__(self, bin_dir: Path, needs_wrk: bool) -> None:
        self.loadgen_program = bin_dir / "loadgen"
        # Not of the generators, but built beside them.
        self.allocations_library = bin_dir.parent / "lib" / "libcount_allocations.so"
        self.loadgen_identity = _loadgen_identity(self.loadgen_program)
        self.wrk_program = shutil.which("wrk") if needs_wrk else None
        if needs_wrk and self.wrk_program is None:
            raise UsageError("wrk is not installed: run scripts/setup")

    def wrk_version(self) -> str | None:
        """Such as "debian/4.1.0-3+b2"; wrk prints it with its usage, and fails."""
        if self.wrk_program is None:
            return None
        printed = subprocess.run([self.wrk_program, "-v"], capture_output=True, text=True, check=False).stdout.split()
        return printed[1] if len(printed) > 1 else "unknown"

    def loadgen(
        self, url: str, workload: Workload, core: int, seconds: float, warmup: float, json_file: Path,
        histogram: Path | None, rate: int | None = None,
    ) -> Load:
        """With a rate it is an open loop, with requests at equal distances."""
        command = [
            str(self.loadgen_program), url + workload.path,
            "-c", str(workload.connections), "-t", str(_THREADS), "-d", _seconds(seconds),
            "--warmup", _seconds(warmup), "--json", str(json_file), *workload.loadgen,
        ]
        if workload.mix:
            mix_file = json_file.with_name("mix.json")
            mix_file.write_text(json.dumps({"requests": workload.mix}), encoding="utf-8")
            command += ["--mix", str(mix_file)]
        if rate is not None:
            command += ["--rate", str(rate)]
        if histogram is not None:
            command += ["--hgrm", str(histogram)]
        finished = run_to_end(command, core, seconds + warmup)
        figures = _loadgen_figures(finished, json_file)
        whole = "service_ns" if rate is None else "response_ns"
        try:
            return Load(
                generator="loadgen",
                requests=int(figures["requests"]),
                uncounted_max=0,
                requests_per_second=_figure(figures["requests_per_second"]),
                latency_ns=_latency(figures[whole]),
                cpu_ns=finished.cpu_ns,
                wall_ns=finished.wall_ns,
                cpu_share=_figure(figures["generator_cpu_share"]),
                kinds={
                    kind["name"]: {"requests": int(kind["requests"]), "latency_ns": _latency(kind[whole])}
                    for kind in (figures["kinds"] if workload.mix else ())
                },
                parts={} if rate is None else {part: _latency(figures[part]) for part in ("queue_ns", "service_ns")},
                suspect=tuple(
                    {key: reason[key] for key in ("key", "value", "limit")} for reason in figures["verdict"]["reasons"]
                ),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(f"loadgen's JSON lacks a figure: {error!r}") from error

    def wrk(self, url: str, workload: Workload, core: int, seconds: int) -> Load:
        options, arguments = _wrk_arguments(workload)
        command = [
            str(self.wrk_program), "-c", str(workload.connections), "-t", str(_THREADS), "-d", str(seconds),
            *options, url + workload.path, *arguments,
        ]
        finished = run_to_end(command, core, seconds)
        figures = _wrk_figures(finished)
        duration_ns = int(figures["duration_us"]) * 1000
        requests = int(figures["requests"])
        return Load(
            generator="wrk",
            requests=requests,
            uncounted_max=workload.connections * workload.pipeline,
            requests_per_second=requests * 1e9 / duration_ns,
            latency_ns={key: figures["latency_ns"][key] for key in PERCENTILES},
            cpu_ns=finished.cpu_ns,
            wall_ns=finished.wall_ns,
            cpu_share=finished.cpu_ns / (duration_ns * _THREADS),
        )

    def in_turn(
        self, a: Server, b: Server, workload: Workload, core: int, pairs: int, seed: int, ndjson: Path
    ) -> Turns:
        command = [
            str(self.loadgen_program), "versus", a.url + workload.path, b.url + workload.path,
            "--pid-a", str(a.pid), "--pid-b", str(b.pid), "-c", str(workload.connections),
            "--slice-ms", str(SLICE_MS), "--pairs", str(pairs), "--settle-pairs", str(SETTLE_PAIRS),
            "--seed", str(seed), "--ndjson", str(ndjson), *workload.loadgen,
        ]
        finished = run_to_end(command, core, 2 * (pairs + SETTLE_PAIRS) * SLICE_MS / 1000)
        if finished.code != 0:
            raise _failure("loadgen versus", finished)
        return _turns(_lines_of(ndjson))


def _loadgen_identity(program: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(ask(program, "--identity")))
    except ValueError as error:
        raise UsageError(f"loadgen --identity printed no JSON: {error}") from error


def _loadgen_figures(finished: Finished, json_file: Path) -> Mapping[str, Any]:
    figures: Mapping[str, Any] = {}
    if json_file.exists():
        try:
            figures = json.loads(json_file.read_text(encoding="utf-8"))
        except ValueError:
            figures = {}
    errors = figures.get("errors", {})
    if errors.get("total", 0) != 0:
        kinds = ", ".join(f"{kind} {count}" for kind, count in errors.items() if kind not in ("total", "causes") and count)
        raise RunError(f"loadgen counted {errors['total']} errors ({kinds})")
    if finished.code != 0:
        raise _failure("loadgen", finished)
    if not figures:
        raise RunError("loadgen ended well but wrote no JSON")
    return figures


def _failure(who: str, finished: Finished) -> RunError:
    kind = VoidRun if finished.code == _VOID else RunError
    return kind(f"{who} failed ({describe_exit(finished.code)}){last_words(finished)}")


def _wrk_arguments(workload: Workload) -> tuple[list[str], list[str]]:
    """A row's arguments for wrk, split at `--`: those behind it stand behind the URL and reach the script's init().
    Every run has a script, for the script reports the figures."""
    listed = list(workload.wrk)
    split = listed.index("--") if "--" in listed else len(listed)
    options, arguments = listed[:split], listed[split:]
    if "-s" in options:
        at = options.index("-s") + 1
        options[at] = str(_WRK_SCRIPTS / options[at])
    else:
        options += ["-s", str(_WRK_SCRIPTS / "keepalive.lua")]
    return options, arguments


def _wrk_figures(finished: Finished) -> Mapping[str, Any]:
    if finished.code != 0:
        raise RunError(f"wrk failed ({describe_exit(finished.code)}){last_words(finished)}")
    for line in finished.stderr.splitlines():
        if line.startswith(_WRK_REPORT):
            figures: Mapping[str, Any] = json.loads(line.removeprefix(_WRK_REPORT))
            errors = {kind: count for kind, count in figures["errors"].items() if count}
            if errors:
                raise RunError("wrk counted errors (" + ", ".join(f"{k} {v}" for k, v in errors.items()) + ")")
            if not figures["requests"]:
                raise RunError("wrk got no answer at all")
            return figures
    raise RunError(f"wrk printed no figures{last_words(finished)}")


def _turns(lines: Sequence[Mapping[str, Any]]) -> Turns:
    slices: dict[int, dict[str, Mapping[str, Any]]] = {}
    summary: Mapping[str, Any] | None = None
    for line in lines:
        if "pair" in line:
            slices.setdefault(int(line["pair"]), {})[line["side"]] = line
        else:
            summary = line
    if summary is None:
        raise RunError("loadgen versus wrote no closing line with its counts")
    log_ratios: list[float] = []
    cpu = {"a": 0, "b": 0}
    requests = {"a": 0, "b": 0}
    for pair in slices.values():
        if set(pair) != {"a", "b"} or any(side["requests"] <= 0 or side["cpu_ns"] <= 0 for side in pair.values()):
            raise RunError("loadgen versus wrote a slice without requests or without CPU time")
        each = {name: side["cpu_ns"] / side["requests"] for name, side in pair.items()}
        log_ratios.append(math.log(each["b"]) - math.log(each["a"]))
        for name, side in pair.items():
            cpu[name] += side["cpu_ns"]
            requests[name] += side["requests"]
    if not log_ratios:
        raise RunError("loadgen versus wrote no slices")
    return Turns(
        log_ratios=tuple(log_ratios),
        cpu_ns_per_request={side: cpu[side] / requests[side] for side in ("a", "b")},
        requests={"a": int(summary["requests_a"]), "b": int(summary["requests_b"])},
    )


def _lines_of(path: Path) -> list[Mapping[str, Any]]:
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    except (OSError, ValueError) as error:
        raise RunError(f"loadgen versus wrote no readable lines: {error}") from error


def _figure(value: Any) -> float:
    """A number that is one. NaN, null and negative values turn a run red instead of reaching a table."""
    number = float(value)
    if not math.isfinite(number) or number < 0:
        raise ValueError(f"{value} is no figure")
    return number


def _latency(figures: Mapping[str, Any]) -> dict[str, float | None]:
    """A percentile that so few requests do not show is null."""
    return {key: None if figures[key] is None else _figure(figures[key]) for key in PERCENTILES}


def _seconds(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"


def last_words(finished: Finished) -> str:
    lines = (finished.stderr.strip() or finished.stdout.strip()).splitlines()
    return f": {lines[-1]}" if lines else ""
