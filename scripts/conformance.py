#!/usr/bin/python3
"""Makes docs/CONFORMANCE.md: each rule of HTTP/1.1, what this server does, and the tests that show it. --check proves that it is so made.

It comes from tests/conformance (the cases and rules.json) and tests/e2e/rows.json (what no case can show; tests/e2e/test_rows.py
proves that those tests exist). A rule without a test and a case of an unknown rule are errors.

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


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when the page is not what it would be")
    parser.add_argument("--root", type=Path, metavar="DIR", default=Path(__file__).resolve().parents[1],
                        help="the repository (default: the one that this script is in)")
    options = parser.parse_args(arguments)
    try:
        page = render(options.root)
    except (TableError, KeyError, ValueError, OSError) as error:
        print(f"conformance.py: {error}", file=sys.stderr)
        return 2
    path = options.root / PAGE
    if options.check:
        if path.is_file() and path.read_text("utf-8") == page:
            return 0
        print(f"conformance.py: {PAGE} is stale: run scripts/conformance.py", file=sys.stderr)
        return 1
    path.write_text(page, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
