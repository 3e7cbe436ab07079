"""The command line of scripts/gate.py."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import fcntl
import json
import os
import secrets
import shlex
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from httpdyno_bench import interrupts, machine, processes
from httpdyno_bench.command_line import said
from httpdyno_bench.errors import BenchError, Interrupted, UsageError
from httpdyno_bench.generators import Generators
from httpdyno_bench.identity import build_faults, tree_revision
from httpdyno_bench.store import timestamp

from . import history, sources, store
from .errors import InvalidRun
from .exact import exact_counts
from .fitness import Watch, quota, static_faults
from .options import ROOT, parser_of, planned_looks, refuse_muddle, scale
from .outcome import CountResult, Outcome, Verdict, conclude
from .outputs import files, record, terminal
from .preparation import Workshop, refuse_unequal_flags
from .progress import Progress
from .rounds import Ring
from .rows import Row, chosen, load_rows
from .run import Gate
from .sides import CommandSide, Side
from .slices import SliceFile


def main(arguments: Sequence[str], description: str | None = None) -> int:
    """Nothing but a verdict of PASS ends with 0, and nothing but one of REGRESSION with 1."""
    try:
        return _run(parser_of(description).parse_args(arguments))
    except BenchError as error:
        broken_off = error.exit_code == Outcome.REGRESSION.exit_code
        return _failed(str(error), Outcome.INVALID.exit_code if broken_off else error.exit_code)
    except Interrupted as interruption:
        return _failed(f"{interruption}: no verdict", interruption.exit_code)
    except OSError as error:
        return _failed(said(error), Outcome.ERROR.exit_code)
    except Exception:
        traceback.print_exc()
        return _failed("this is a fault of the gate", Outcome.ERROR.exit_code)
    finally:
        processes.kill_all()


def _failed(message: str, code: int) -> int:
    print(f"gate.py: {message}", file=sys.stderr)
    return code


def _run(options: argparse.Namespace) -> int:
    interrupts.take_signals()
    begin = time.monotonic()
    load_average = os.getloadavg()[0]
    rows = chosen(load_rows(options.table), options.rows)
    refuse_muddle(options)
    plan = planned_looks(options, rows)
    seed = options.seed if options.seed is not None else secrets.randbits(31)
    loadgen = _loadgen(options.bin_dir)
    if options.out is not None:
        files.clear(options.out)
    cores = machine.choose_cores()
    watch = Watch(cores)
    unfit = static_faults(cores, load_average, quota())
    progress = Progress(sys.stderr, plan[-1].rounds)
    names: dict[str, Any] = {}

    def provenance() -> dict[str, Any]:
        return {
            **names, "date": timestamp(), "seconds": round(time.monotonic() - begin, 1), "seed": seed,
            "load_average_before": round(load_average, 2), "allowed": ", ".join(sorted(options.allow)),
            "placement": dataclasses.asdict(cores), "machine": machine.fingerprint(), **watch.shares(),
        }

    with _alone(options.cache), SliceFile(options.out) as slices:
        try:
            with _contest(options, rows, plan[-1].rounds, seed, progress, names) as contest:
                ring = Ring(loadgen, cores, seed, scale(options, rows, plan[-1].rounds))
                gate = Gate(contest.base, contest.head, contest.reference, rows, plan, ring, watch, progress, slices, unfit, names)
                verdict = gate.verdict(contest.built and "answers" not in options.allow, contest.count, provenance)
        except InvalidRun as error:
            verdict = conclude((), (), provenance(), invalid=[str(error)])
        finally:
            progress.clear()
    return _told(options, verdict)


@dataclasses.dataclass(frozen=True)
class _Contest:
    """`built`: by the gate, so that it knows what they are to answer. `count`: what is counted of them exactly."""

    base: Side
    head: Side
    reference: Side | None
    built: bool
    count: Callable[[], Sequence[CountResult]]


@contextlib.contextmanager
def _contest(
    options: argparse.Namespace, rows: Sequence[Row], rounds: int, seed: int, progress: Progress, names: dict[str, Any]
) -> Iterator[_Contest]:
    """Who is compared; `names` tells the verdict."""
    if options.base_cmd is not None:
        names.update(base=options.base_cmd, head=options.head_cmd)
        yield _Contest(CommandSide("base", options.base_cmd), CommandSide("head", options.head_cmd), None, built=False, count=lambda: ())
        return
    base = sources.revision(ROOT, options.base)
    head = sources.work_tree(ROOT) if options.head is None else sources.revision(ROOT, options.head)
    named = {"base": base, "head": head}
    if options.reference is not None:
        named["reference"] = sources.revision(ROOT, options.reference)
    for name, source in named.items():
        names.update({name: source.name, f"{name}_commit": source.commit})
    flags = {"base": options.base_flags, "head": options.head_flags, "reference": options.base_flags}
    names.update(base_flags=options.base_flags, head_flags=options.head_flags, definitions=", ".join(options.define))
    with tempfile.TemporaryDirectory(prefix="links-", dir=options.cache) as links:
        workshop = Workshop(ROOT, options.cache, Path(links), options.define, seed)
        trees = {}
        for name, source in named.items():
            progress.step(f"building the {name}, {source.name}")
            trees[name] = workshop.tree(source, rows)
        if "flags" not in options.allow:
            refuse_unequal_flags(trees["base"], trees["head"])
        progress.step("linking in other orders")
        names["relinks"] = rounds if options.relinks is None else min(options.relinks, rounds)
        sides = {
            name: workshop.side(name, tree, rows, names["relinks"], shlex.split(flags[name])) for name, tree in trees.items()
        }
        yield _Contest(
            sides["base"], sides["head"], sides.get("reference"), built=True,
            count=lambda: () if options.no_counts else exact_counts(
                trees["base"], trees["head"], rows, options.bin_dir.parent / "lib", sides["base"].flags, sides["head"].flags),
        )


def _loadgen(bin_dir: Path) -> Path:
    """That of this tree, whatever is compared: a base's own would measure the base by another measure."""
    generators = Generators(bin_dir, needs_wrk=False)
    faults = build_faults(generators.loadgen_identity, tree_revision(ROOT))
    if faults:
        raise UsageError(f"refused loadgen: {'; '.join(faults)} (make build, then try again)")
    return generators.loadgen_program


@contextlib.contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """Two gates at a time would measure each other."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock = os.open(cache / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise UsageError(f"cannot use {cache.name}/ as the cache: {error.strerror}") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"another gate is on, with {cache.name}/ as its cache: wait for it") from None
        yield
    finally:
        os.close(lock)


def _told(options: argparse.Namespace, verdict: Verdict) -> int:
    if options.out is not None:
        files.write(verdict, options.out)
    if options.history is not None:
        store.append(options.history, [history.line_of(verdict)])
    told = json.dumps(record.to_json(verdict), ensure_ascii=False, allow_nan=False) if options.json else terminal.render(verdict)
    print(told.rstrip(), flush=True)
    return verdict.outcome.exit_code
