"""The command line of scripts/report.py: choose records, make the files, write them or compare them."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from httpdyno_bench.command_line import Parser, exit_code_of
from httpdyno_bench.generators import BOUND_SHARE
from httpdyno_bench.tables import SUITES

from . import calibration, records
from .dispatch import make_dispatch
from .dispatch_plots import draw_dispatch
from .generators import make_generators
from .model import make_report
from .plots import draw_all
from .records import ReportError
from .render import render, render_tuning

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "results" / "record.schema.json"
PAGE = "BENCH.md"
TUNING = "docs/TUNING.md"
PLOTS = "docs/plots"
_MARKER = re.compile(r"^<!-- Generated from (.+) by scripts/report\.py\.")
_NAMED = re.compile(r"(\S+)/record\.json")


def main(arguments: Sequence[str], description: str | None = None) -> int:
    return exit_code_of("report.py", lambda: _run(_parser(description).parse_args(arguments)))


def make_files(
    base: Path, dispatch: Path | None = None, generators: Path | None = None, results: Path | None = None
) -> dict[str, bytes]:
    """Every file of the report by its path below --out, from the record of each suite, the gate's trials in `results` (those beside
    the record) and nothing else."""
    record = records.load(base, SCHEMA)
    report = make_report(record)
    compared = None if dispatch is None else (make_dispatch(records.load(dispatch, SCHEMA)), _source(dispatch))
    beside = None if generators is None else (make_generators(records.load(generators, SCHEMA)), _source(generators))
    files = {PAGE: render(report, _source(base), BOUND_SHARE, compared, beside, calibration.load(results or base.parent)).encode()}
    plots = draw_all(report, record)
    if compared is not None:
        files[TUNING] = render_tuning(*compared).encode()
        plots |= draw_dispatch(compared[0])
    return files | {f"{PLOTS}/{name}": content for name, content in plots.items()}


def _parser(description: str | None) -> argparse.ArgumentParser:
    parser = Parser("report.py", description)
    parser.add_argument("--record", type=Path, action="append", metavar="FOLDER", help="a record of the suite base; further "
                        "ones of dispatch and of generators (default: the newest of each in --results, smoke runs last; with --check: "
                        "those that BENCH.md names)")
    parser.add_argument("--results", type=Path, metavar="DIR", default=ROOT / "results",
                        help="where records are (default: results)")
    parser.add_argument("--out", type=Path, metavar="DIR", default=ROOT,
                        help="where BENCH.md and docs/plots/ go (default: the top of the tree)")
    parser.add_argument("--check", action="store_true", help="write nothing: is what lies in --out, byte for byte, "
                        "what the record gives? Exit code 1 with the first difference if not")
    return parser


def _run(options: argparse.Namespace) -> int:
    folders = _chosen(options)
    files = make_files(**folders, results=options.results)
    return _check(files, options.out) if options.check else _write(files, options.out, list(folders.values()))


def _chosen(options: argparse.Namespace) -> dict[str, Path]:
    """By suite: the record of base, and those of the others that there are."""
    if options.record:
        return _by_suite([_found(given, options.results) for given in options.record])
    if options.check:
        return _by_suite([options.results / name for name in _named_by(options.out / PAGE)])
    newest = {suite: records.newest(options.results, suite) for suite in SUITES}
    if newest[SUITES[0]] is None:
        raise ReportError(f"no record in {options.results.name}/: measure first (make bench), or name one (--record)")
    return {suite: folder for suite, folder in newest.items() if folder is not None}


def _found(given: Path, results: Path) -> Path:
    folder = given.parent if given.name == records.RECORD else given
    # A bare name means one of --results.
    return folder if folder.exists() else results / folder


def _by_suite(folders: Sequence[Path]) -> dict[str, Path]:
    suites = [records.suite_of(folder) for folder in folders]
    if suites.count(SUITES[0]) != 1 or len(set(suites)) != len(suites):
        raise ReportError(f"--record takes one record of the suite {SUITES[0]} and at most one of each other; these are "
                          f"of {' and '.join(suites)}")
    given = dict(zip(suites, folders, strict=True))
    return {suite: given[suite] for suite in SUITES if suite in given}


def _named_by(page: Path) -> list[str]:
    """The records that a page says it comes from: newer ones may lie beside them, uncommitted."""
    try:
        first = page.read_text(encoding="utf-8").split("\n", 1)[0]
    except OSError as error:
        raise ReportError(f"cannot read {page.name}: {error.strerror}") from error
    match = _MARKER.match(first)
    if match is None:
        raise ReportError(f"{page.name} does not say which record it comes from: it is not generated, or was edited")
    return [Path(source).name for source in _NAMED.findall(match[1])]


def _source(folder: Path) -> str:
    """A record's place as a reader of the tree finds it; elsewhere its name alone, for a page holds no path."""
    folder = folder.resolve()
    shown = str(folder.relative_to(ROOT)) if folder.is_relative_to(ROOT) else folder.name
    return f"{shown}/{records.RECORD}"


def _write(files: Mapping[str, bytes], out: Path, folders: Sequence[Path]) -> int:
    """All files appear whole, and none before all are made."""
    halves: list[tuple[Path, Path]] = []
    try:
        for name, content in files.items():
            target = out / name
            target.parent.mkdir(parents=True, exist_ok=True)
            half = target.with_name(f".{target.name}.part")
            halves.append((half, target))
            half.write_bytes(content)
        for half, target in halves:
            os.replace(half, target)
    finally:
        for half, _ in halves:
            half.unlink(missing_ok=True)
    print(f"report: {_told(files)} from {' and '.join(folder.name for folder in folders)}")
    return 0


def _check(files: Mapping[str, bytes], out: Path) -> int:
    for name, expected in files.items():
        try:
            found = (out / name).read_bytes()
        except OSError as error:
            print(f"report.py: {name}: {error.strerror}", file=sys.stderr)
            return 1
        if found != expected:
            print(f"report.py: {name} is not what its record gives; {_first_difference(found, expected)}",
                  file=sys.stderr)
            return 1
    print(f"report: {_told(files)} are what their records give")
    return 0


def _told(files: Mapping[str, bytes]) -> str:
    pages = [name for name in files if name.endswith(".md")]
    return f"{', '.join(pages)} and {len(files) - len(pages)} plots"


def _first_difference(found: bytes, expected: bytes) -> str:
    there = found.decode(errors="replace").splitlines()
    wanted = expected.decode(errors="replace").splitlines()
    for number, (has, should) in enumerate(zip(there, wanted), start=1):
        if has != should:
            return f"line {number} is {_short(has)}, from the record {_short(should)}"
    return f"it has {len(there)} lines, from the record {len(wanted)}"


def _short(line: str) -> str:
    return repr(line if len(line) <= 160 else line[:157] + "...")
