"""The command line of scripts/bench.py, and the course of a run from its first check to its record."""

from __future__ import annotations

import argparse
import itertools
import secrets
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import generators_plan, interrupts, machine, other_generators, peers, plan, store, suites
from .command_line import Parser, exit_code_of, said
from .errors import Interrupted, RunError, UsageError, VoidRun
from .generators import Generators
from .identity import build_faults, identified, refuse_impostor, tree_revision
from .measure import Bench
from .progress import Progress, clock
from .record import Setup, make_head, make_record, refuse_other_run, setup_of, without_paths
from .tables import SUITES, load_variants, load_workloads, select

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "results" / "record.schema.json"
BIN_DIR = ROOT / "build" / "release" / "bin"
RESULTS = ROOT / "results"
# What a record fixes, and --resume therefore takes from it.
_FIXED = ("suite", "profile", "variants", "workloads", "rounds", "seconds", "seed")
# What the machine made void is measured again so often at least, and at most as long as --patience says. Neighbours come
# in bursts, so the pauses grow.
_VOID_TRIES_MIN = 3
_VOID_PAUSE_SECONDS = 0.5
_PATIENCE_SECONDS = 60.0


def main(arguments: Sequence[str], description: str | None = None) -> int:
    return exit_code_of("bench.py", lambda: _run(_parser(description).parse_args(arguments)))


def _parser(description: str | None) -> argparse.ArgumentParser:
    parser = Parser("bench.py", description)
    parser.add_argument("--suite", choices=SUITES, help="base (default): every variant, against the floor and under wrk "
                        "too; dispatch: pools by their size and allocators, and where a pool overtakes; generators: loadgen "
                        "beside other load generators")
    parser.add_argument("--profile", choices=list(plan.PROFILES[SUITES[0]]),
                        help="how long and how often: quick (default; base and generators under 5 minutes, dispatch "
                        "about 10), full (an hour, an hour and a half, half an hour), smoke (seconds, to see that everything works)")
    parser.add_argument("--variants", metavar="A,B", help="only these rows of variants.json (default: the suite's); a "
                        "comparison is made only where the reference is among them")
    parser.add_argument("--workloads", metavar="A,B", help="only these rows of scenarios.json (default: the suite's)")
    parser.add_argument("--rounds", type=int, metavar="N",
                        help=f"rounds, at least {plan.ROUNDS_MIN} (default: the profile's)")
    parser.add_argument("--seconds", type=float, metavar="S", help="measured seconds of each step (default: the "
                        "profile's; wrk's are rounded to whole ones)")
    parser.add_argument("--seed", type=int, metavar="N", help="seed of the order and of every coin (default: drawn; "
                        "the record has it)")
    parser.add_argument("--patience", type=float, metavar="S", default=_PATIENCE_SECONDS,
                        help="how long a step that the machine made void is measured again "
                        f"(default: {_PATIENCE_SECONDS:g} s, {_VOID_TRIES_MIN} times at least)")
    parser.add_argument("--bin-dir", type=Path, metavar="DIR", default=BIN_DIR,
                        help="where the programs are (default: build/release/bin)")
    parser.add_argument("--out", type=Path, metavar="DIR", default=RESULTS,
                        help="where records go (default: results)")
    parser.add_argument("--resume", metavar="RECORD", help="go on with an interrupted run, by its folder's name")
    return parser


def _run(options: argparse.Namespace) -> int:
    interrupts.take_signals()
    if options.resume is None:
        folder, setup = None, _chosen(options)
    else:
        folder = _resumed(options)
        setup = setup_of(folder.head)
    others = peers.installed()
    steps = suites.plan_of(setup, list(others))
    revision = tree_revision(ROOT)
    generators = Generators(options.bin_dir, any(plan.needs_wrk(step) for step in steps))
    if any(step.kind == "calls" for step in steps) and not generators.allocations_library.exists():
        raise UsageError(f"there is no {generators.allocations_library.name}: build it first (make build)")
    if any(step.kind in generators_plan.KINDS for step in steps):
        other_generators.refuse_missing()
    faults = build_faults(generators.loadgen_identity, revision)
    if faults:
        raise UsageError(f"refused loadgen: {'; '.join(faults)} (make build, then try again)")
    programs = {variant.name: identified(options.bin_dir / variant.name) for variant in setup.variants}
    for variant in setup.variants:
        refuse_impostor(programs[variant.name], variant, revision)
    cores = machine.choose_cores()
    head = make_head(_command(options, setup), setup, revision, programs, generators, cores, steps, others)
    if folder is None:
        folder = store.create(options.out, head, store.utc_now())
    else:
        refuse_other_run(folder.head, head)
        folder.append({"resumed": store.timestamp()})
    try:
        bench = suites.BENCHES[setup.suite](
            setup, programs, others, generators, cores, folder.path / "histograms"
        )
        _measure_all(bench, folder, steps, setup.profile, options)
        target = folder.finish(make_record(folder), SCHEMA)
    finally:
        folder.close()
    print(f"bench: measured for {clock(folder.measuring_seconds)}, recorded in {folder.path.name}/{target.name}")
    return 0


def _measure_all(
    bench: Bench, folder: store.RunFolder, steps: list[plan.Step], profile: plan.Profile, options: argparse.Namespace
) -> None:
    done = folder.done
    progress = Progress(steps, done, profile, sys.stderr)
    progress.begin()
    go_on = f"finished cells are kept, go on with: {_resume_command(folder, options)}"
    try:
        for step in steps:
            if step.id in done:
                continue
            progress.before(step)
            begin = time.monotonic()
            try:
                result = _measured(bench, folder, step, options.patience)
                folder.append({**result, "seconds": round(time.monotonic() - begin, 3)})
            except (RunError, OSError) as error:
                _note_failure(folder, step, said(error))
                raise RunError(f"{step}: {said(error)}; {go_on}") from error
            progress.after(step)
    except Interrupted as interruption:
        interruption.consequence = go_on
        raise
    finally:
        progress.clear()


def _measured(bench: Bench, folder: store.RunFolder, step: plan.Step, patience: float) -> dict[str, Any]:
    """What the machine made void is measured again; each is kept in the record as a failure."""
    give_up = time.monotonic() + patience
    for tries in itertools.count(1):
        try:
            return bench.measure(step)
        except VoidRun as void:
            left = give_up - time.monotonic()
            if tries >= _VOID_TRIES_MIN and left <= 0:
                raise
            _note_failure(folder, step, said(void))
        time.sleep(max(0.0, min(_VOID_PAUSE_SECONDS * 2 ** (tries - 1), left)))
    raise AssertionError("not reached")


def _note_failure(folder: store.RunFolder, step: plan.Step, reason: str) -> None:
    """A failure stays in the record even if the step succeeds later. On a full disk that cannot be; the run has failed
    all the same."""
    try:
        folder.append({"step": step.id, "failure": without_paths(reason)})
    except RunError:
        pass


def _resume_command(folder: store.RunFolder, options: argparse.Namespace) -> str:
    command = f"scripts/bench.py --resume {folder.path.name}"
    for name, value, default in (("--out", options.out, RESULTS), ("--bin-dir", options.bin_dir, BIN_DIR)):
        if value.resolve() != default:
            command += f" {name} {value}"
    return command


def _chosen(options: argparse.Namespace) -> Setup:
    suite = options.suite or SUITES[0]
    variants = load_variants(ROOT / "variants" / "variants.json")
    workloads = load_workloads(ROOT / "bench" / "scenarios.json")
    return Setup(
        suite,
        plan.profile_of(options.profile or "quick", options.rounds, options.seconds, suite),
        select(variants, options.variants, "variant", suite),
        select(workloads, options.workloads, "workload", suite),
        options.seed if options.seed is not None else secrets.randbits(31),
    )


def _resumed(options: argparse.Namespace) -> store.RunFolder:
    for name in _FIXED:
        if getattr(options, name) is not None:
            raise UsageError(f"--{name} cannot be given with --resume: the record says what is measured")
    return store.reopen(options.out / Path(options.resume).name)


def _command(options: argparse.Namespace, setup: Setup) -> str:
    """The command that makes this run again, whatever was left to chance or to a default this time."""
    words = ["scripts/bench.py"]
    if setup.suite != SUITES[0]:
        words += ["--suite", setup.suite]
    words += ["--profile", setup.profile.name]
    for name in ("variants", "workloads", "rounds", "seconds"):
        value = getattr(options, name)
        if value is not None:
            words += [f"--{name}", f"{value:g}" if isinstance(value, float) else str(value)]
    return " ".join([*words, "--seed", str(setup.seed)])
