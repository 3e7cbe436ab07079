"""The command line of scripts/report.py: choose a record, make the files, write them or compare them."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from httpdyno_bench.command_line import Parser, exit_code_of
from httpdyno_bench.generators import BOUND_SHARE

from . import records
from .model import make_report
from .plots import draw_all
from .records import ReportError
from .render import render

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "results" / "record.schema.json"
PAGE = "BENCH.md"
PLOTS = "docs/plots"
_MARKER = re.compile(r"^<!-- Generated from (\S+)/record\.json by scripts/report\.py\.")


def main(arguments: Sequence[str], description: str | None = None) -> int:
    return exit_code_of("report.py", lambda: _run(_parser(description).parse_args(arguments)))


def make_files(folder: Path) -> dict[str, bytes]:
    """Every file of the report by its path below --out, from one record and nothing else."""
    record = records.load(folder, SCHEMA)
    report = make_report(record)
    page = render(report, f"{_shown(folder)}/record.json", BOUND_SHARE)
    plots = draw_all(report, record)
    return {PAGE: page.encode(), **{f"{PLOTS}/{name}": content for name, content in plots.items()}}


def _parser(description: str | None) -> argparse.ArgumentParser:
    parser = Parser("report.py", description)
    parser.add_argument("--record", type=Path, metavar="FOLDER", help="the record (default: the newest in --results, "
                        "smoke runs last; with --check: the one that BENCH.md names)")
    parser.add_argument("--results", type=Path, metavar="DIR", default=ROOT / "results",
                        help="where records are (default: results)")
    parser.add_argument("--out", type=Path, metavar="DIR", default=ROOT,
                        help="where BENCH.md and docs/plots/ go (default: the top of the tree)")
    parser.add_argument("--check", action="store_true", help="write nothing: is what lies in --out, byte for byte, "
                        "what the record gives? Exit code 1 with the first difference if not")
    return parser


def _run(options: argparse.Namespace) -> int:
    folder = _chosen(options)
    files = make_files(folder)
    return _check(files, options.out) if options.check else _write(files, options.out, folder)


def _chosen(options: argparse.Namespace) -> Path:
    if options.record is not None:
        given: Path = options.record
        folder = given.parent if given.name == records.RECORD else given
        # A bare name means one of --results.
        return folder if folder.exists() else options.results / folder
    if options.check:
        return Path(options.results) / _named_by(options.out / PAGE)
    return records.newest(options.results)


def _named_by(page: Path) -> str:
    """The record that a page says it comes from: a newer one may lie beside it, uncommitted."""
    try:
        first = page.read_text(encoding="utf-8").split("\n", 1)[0]
    except OSError as error:
        raise ReportError(f"cannot read {page.name}: {error.strerror}") from error
    match = _MARKER.match(first)
    if match is None:
        raise ReportError(f"{page.name} does not say which record it comes from: it is not generated, or was edited")
    return Path(match[1]).name


def _shown(folder: Path) -> str:
    """A record's place as a reader of the tree finds it; elsewhere its name alone, for a page holds no path."""
    folder = folder.resolve()
    return str(folder.relative_to(ROOT)) if folder.is_relative_to(ROOT) else folder.name


def _write(files: Mapping[str, bytes], out: Path, folder: Path) -> int:
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
    print(f"report: {PAGE} and {len(files) - 1} plots from {folder.name}")
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
    print(f"report: {PAGE} and {len(files) - 1} plots are what their record gives")
    return 0


def _first_difference(found: bytes, expected: bytes) -> str:
    there = found.decode(errors="replace").splitlines()
    wanted = expected.decode(errors="replace").splitlines()
    for number, (has, should) in enumerate(zip(there, wanted), start=1):
        if has != should:
            return f"line {number} is {_short(has)}, from the record {_short(should)}"
    return f"it has {len(there)} lines, from the record {len(wanted)}"


def _short(line: str) -> str:
    return repr(line if len(line) <= 160 else line[:157] + "...")
