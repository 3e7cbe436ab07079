"""The command line of scripts/slow_clients.py: measure a trial into a record, or make the page of one."""

from __future__ import annotations

import argparse
import dataclasses
import json
import platform
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from httpdyno_bench import interrupts, machine, store
from httpdyno_bench.command_line import Parser, exit_code_of
from httpdyno_bench.errors import UsageError
from httpdyno_bench.generators import Generators
from httpdyno_bench.identity import KEPT, Revision, build_faults, identified, refuse_impostor, tree_revision
from httpdyno_bench.tables import load_variants, select

from . import attacks, page, trial

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "results" / "trial.schema.json"
TRIAL = "trial.json"
PAGE = "docs/SLOW_CLIENTS.md"


def main(arguments: Sequence[str], description: str | None = None) -> int:
    return exit_code_of("slow_clients.py", lambda: _run(_parser(description).parse_args(arguments)))


def _parser(description: str | None) -> argparse.ArgumentParser:
    parser = Parser("slow_clients.py", description)
    commands = parser.add_subparsers(dest="command", required=True)
    measure = commands.add_parser("measure", help="run the trial and write a record")
    measure.add_argument("--variant", default="inline-system", help="row of variants.json (default: inline-system)")
    measure.add_argument("--connections", type=int, default=2000, help="slow clients of each attack (default: 2000)")
    measure.add_argument("--rounds", type=int, default=5, help="rounds of each attack (default: 5)")
    measure.add_argument("--timeout-ms", type=int, default=3000, help="the server's deadlines (default: 3000)")
    measure.add_argument("--seed", type=int, help="of the order and of every coin (default: drawn; the record has it)")
    measure.add_argument("--bin-dir", type=Path, default=ROOT / "build" / "release" / "bin",
                         help="where the programs are (default: build/release/bin)")
    report = commands.add_parser("report", help=f"make {PAGE} from a record")
    report.add_argument("--check", action="store_true", help="write nothing: is the page what its record gives?")
    for each in (measure, report):
        each.add_argument("--results", type=Path, default=ROOT / "results", help="where records are (default: results)")
    report.add_argument("--out", type=Path, default=ROOT, help="the tree to write into (default: this one)")
    return parser


def _run(options: argparse.Namespace) -> int:
    return _measure(options) if options.command == "measure" else _report(options)


def _measure(options: argparse.Namespace) -> int:
    interrupts.take_signals()
    if options.connections < attacks.PROCESSES or options.rounds < 1 or options.timeout_ms < 100:
        raise UsageError(f"give at least {attacks.PROCESSES} connections, one round and 100 ms")
    (variant,) = select(load_variants(ROOT / "variants" / "variants.json"), options.variant, "variant")[:1]
    revision = tree_revision(ROOT)
    generators = Generators(options.bin_dir, needs_wrk=False)
    if faults := build_faults(generators.loadgen_identity, revision):
        raise UsageError(f"refused loadgen: {'; '.join(faults)} (make build, then try again)")
    program = identified(options.bin_dir / variant.name)
    refuse_impostor(program, variant, revision)
    seed = options.seed if options.seed is not None else secrets.randbits(31)
    settings = trial.Settings(variant.name, options.connections, options.rounds, options.timeout_ms, seed)
    cores = machine.choose_cores()
    record: dict[str, Any] = {
        "schema_version": 2,
        "started": store.timestamp(),
        "command": _command(settings),
        "revision": {"commit": revision.commit, "dirty": revision.dirty},
        "settings": dataclasses.asdict(settings),
        "attacks": [
            {"name": attack.name, "title": attack.title, "evicted_by": list(attack.evicted_by),
             "processes": attacks.PROCESSES,
             "command": " ".join(attacks.command(attack, "http://HOST:PORT", settings.connections))}
            for attack in attacks.ATTACKS
        ],
        "machine": machine.fingerprint(),
        "placement": dataclasses.asdict(cores),
        "tools": {
            "python": platform.python_version(),
            attacks.TOOL: attacks.version(),
            "loadgen": {key: generators.loadgen_identity[key] for key in KEPT if key in generators.loadgen_identity},
        },
        "identity": {key: program.identity[key] for key in KEPT if key in program.identity},
    }
    record["rounds"] = list(trial.run(settings, program.path, generators, cores, _tell))
    record["finished"] = store.timestamp()
    print(f"slow_clients: recorded in {_keep(record, options.results, revision)}/{TRIAL}")
    return 0


def _command(settings: trial.Settings) -> str:
    return (f"scripts/slow_clients.py measure --variant {settings.variant} --connections {settings.connections} "
            f"--rounds {settings.rounds} --timeout-ms {settings.timeout_ms} --seed {settings.seed}")


def _tell(text: str) -> None:
    print(f"slow_clients: {text}", file=sys.stderr, flush=True)


def _keep(record: dict[str, Any], results: Path, revision: Revision) -> str:
    """A folder of its own, as for every record; whole or not at all."""
    folder = store.new_folder(results, revision.commit, "slow-clients", store.utc_now())
    store.keep({"name": folder.name, **record}, SCHEMA, folder / TRIAL)
    return folder.name


def _report(options: argparse.Namespace) -> int:
    folder = _named_by(options) if options.check else _newest(options.results)
    record = json.loads((folder / TRIAL).read_text(encoding="utf-8"))
    if fault := store.misfit(record, SCHEMA):
        raise UsageError(f"{folder.name}/{TRIAL} {fault}")
    made = page.render(record)
    target: Path = options.out / PAGE
    if not options.check:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(made, encoding="utf-8")
    elif target.read_text(encoding="utf-8") != made:
        print(f"slow_clients.py: {PAGE} is not what {folder.name} gives", file=sys.stderr)
        return 1
    return 0


def _newest(results: Path) -> Path:
    folders = sorted(path.parent for path in results.glob(f"*/{TRIAL}"))
    if not folders:
        raise UsageError(f"no trial in {results.name}/: measure first")
    return folders[-1]


def _named_by(options: argparse.Namespace) -> Path:
    """The record that the page says it comes from."""
    first = (options.out / PAGE).read_text(encoding="utf-8").split("\n", 1)[0]
    name = page.named_by(first)
    if name is None:
        raise UsageError(f"{PAGE} does not say which record it comes from: it is not generated, or was edited")
    return Path(options.results) / name
