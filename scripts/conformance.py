#!/usr/bin/python3
"""Makes docs/CONFORMANCE.md: each rule of HTTP/1.1, what this server does, and the tests that show it; and docs/POOL.md: the same of
what goes wrong in servers with a pool. --check proves that they are so made.

They come from tests/conformance (the cases and rules.json), tests/e2e/pitfalls.json and tests/e2e/rows.json (what no case can show;
tests/e2e/test_rows.py proves that those tests exist). A rule or a pitfall without a test and a case of an unknown rule are errors.

Exit codes: 0 done (with --check: equal), 1 different, 2 a table that does not hold together.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import sys
from pathlib import Path
from typing import Any

PAGE = "docs/CONFORMANCE.md"
POOL_PAGE = "docs/POOL.md"
CASES = "tests/conformance"
LEVELS = {"M": "must", "S": "should", "O": "our choice"}
HEADER = """\
# What HTTP/1.1 asks for, and what shows that it is so

<!-- Generated from tests/conformance and tests/e2e/rows.json by scripts/conformance.py. -->

*Level*: what the RFC says, or *our choice* where it leaves one; then it is the strict one. "close" is a status with `Connection: close`,
after which nothing more is parsed, and the connection is closed in stages. Cases are counted in parentheses; each runs whole, split at every
position and octet by octet (above 1,500 octets: at a sample of positions), through the server and through the bare parser
([how](../tests/conformance/README.md)). Other tests are named as `file::test`, those in C++ as `unit: Suite.Test`.
"""
POOL_HEADER = """\
# What goes wrong with a pool, and what shows that it does not here

<!-- Generated from tests/e2e/pitfalls.json and tests/e2e/rows.json by scripts/conformance.py. -->

Tests are named as `file::test` of `tests/e2e`, those in C++ as `unit: Suite.Test`, bugs that were planted into the
[simulated world](SIMULATION.md) to be found as `sim: plant`, micro benchmarks (`make micro`) as `micro: name`. All tests but those of single
threads run under AddressSanitizer and ThreadSanitizer, too.

What goes wrong rarely is tried more often by hand, on the programs of any build (here those with ThreadSanitizer):

    HTTPDYNO_LONG=1 HTTPDYNO_BIN=build/tsan/bin /usr/bin/python3 -m pytest tests/e2e/test_{pool,pipelining,handler_deadline}.py
    scripts/robustness.py close-during-handling --workers 1 --bin-dir build/tsan/bin
    ctest --preset tsan -R '^server/|^pool$' --repeat until-fail:50

The first takes some tests to 100,000 exchanges and a million requests, the second is 10,000 clients that leave at a random moment, the third
all tests of the server and of its pool fifty times.
"""


class TableError(Exception):
    pass


@dataclasses.dataclass
class Title:
    """One heading of a file of cases."""

    file: str
    text: str
    rules: list[int]
    count: int = 0

    @property
    def link(self) -> str:
        anchor = re.sub(r"[^\w\- ]", "", self.text.lower()).replace(" ", "-")
        return f"[{self.text}](../{CASES}/{self.file}#{anchor}) ({self.count})"


def read_titles(folder: Path) -> list[Title]:
    titles: list[Title] = []
    for path in sorted(folder.glob("[0-9]*.md")):
        rows = 0
        for line in path.read_text("utf-8").splitlines():
            if line.startswith("## "):
                titles.append(Title(path.name, line[3:].strip(), []))
                rows = 0
            elif line.startswith("Rules: ") and titles:
                titles[-1].rules = [int(number) for number in line[7:].split(",")]
            elif line.startswith("- ") and titles:
                titles[-1].count = 1
            elif line.startswith("| ") and not line.startswith("| here"):
                rows += 1
                titles[-1].count = rows
    return titles


def render(root: Path) -> str:
    """The page. Raises TableError for whatever does not fit together."""
    table: dict[str, Any] = json.loads((root / CASES / "rules.json").read_text("utf-8"))
    rows: dict[str, list[str]] = json.loads((root / "tests/e2e/rows.json").read_text("utf-8"))
    titles = read_titles(root / CASES)
    known = {rule["rule"] for rule in table["rules"]}
    for title in titles:
        if not title.rules or not title.count:
            raise TableError(f"{title.file}: {title.text}: no rules or no cases")
        if unknown := set(title.rules) - known:
            raise TableError(f"{title.file}: {title.text}: there is no rule {min(unknown)}")
    for key in rows:
        if key.startswith("H") and int(key[1:]) not in known or key.startswith("T") and key not in table["field_bugs"]:
            raise TableError(f"tests/e2e/rows.json: there is no row {key}")
    lines = [HEADER]
    group = ""
    for rule in table["rules"]:
        if rule["group"] != group:
            group = rule["group"]
            lines += [f"## {group}\n", "| # | rule | RFC | level | here | shown by |", "|---|---|---|---|---|---|"]
        number = rule["rule"]
        shown = [title.link for title in titles if number in title.rules]
        shown += [f"`{test}`" for test in rows.get(f"H{number}", [])]
        if not shown:
            raise TableError(f"no test shows rule {number}")
        lines.append(f"| {number} | {rule['text']} | {rule['section']} | {LEVELS[rule['level']]} | {rule['answer']} "
                     f"| {'<br>'.join(shown)} |")
        if rule is table["rules"][-1] or table["rules"][number]["group"] != group:
            lines.append("")
    lines += ["## What users of such servers have run into\n", "| # | what | shown by |", "|---|---|---|"]
    for bug, text in table["field_bugs"].items():
        if not rows.get(bug):
            raise TableError(f"no test shows {bug}")
        lines.append(f"| {bug} | {text} | {'<br>'.join(f'`{test}`' for test in rows[bug])} |")
    cases = sum(title.count for title in titles)
    lines += ["", f"{len(table['rules'])} rules, {len(table['field_bugs'])} troubles, {cases} cases.", ""]
    return "\n".join(lines)


def render_pool(root: Path) -> str:
    """The other page. Raises TableError for a pitfall that no test shows."""
    pitfalls: dict[str, tuple[str, str]] = json.loads((root / "tests/e2e/pitfalls.json").read_text("utf-8"))
    rows: dict[str, list[str]] = json.loads((root / "tests/e2e/rows.json").read_text("utf-8"))
    if unknown := [key for key in rows if key.startswith("P") and key not in pitfalls]:
        raise TableError(f"tests/e2e/rows.json: there is no row {unknown[0]}")
    lines = [POOL_HEADER, "| # | what goes wrong | here | shown by |", "|---|---|---|---|"]
    for key, (trouble, here) in pitfalls.items():
        if not rows.get(key):
            raise TableError(f"no test shows {key}")
        lines.append(f"| {key} | {trouble} | {here} | {'<br>'.join(f'`{test}`' for test in rows[key])} |")
    return "\n".join([*lines, ""])


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when a page is not what it would be")
    parser.add_argument("--root", type=Path, metavar="DIR", default=Path(__file__).resolve().parents[1],
                        help="the repository (default: the one that this script is in)")
    options = parser.parse_args(arguments)
    try:
        pages = {PAGE: render(options.root), POOL_PAGE: render_pool(options.root)}
    except (TableError, KeyError, ValueError, OSError) as error:
        print(f"conformance.py: {error}", file=sys.stderr)
        return 2
    stale = 0
    for name, page in pages.items():
        path = options.root / name
        if not options.check:
            path.write_text(page, "utf-8")
        elif not path.is_file() or path.read_text("utf-8") != page:
            print(f"conformance.py: {name} is stale: run scripts/conformance.py", file=sys.stderr)
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
