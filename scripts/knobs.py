#!/usr/bin/python3
"""docs/KNOBS.md from server/knobs.def. Usage: scripts/knobs.py [--check]   Exit: 0 written or equal, 1 not equal, 2 bad table."""

from __future__ import annotations

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLE = ROOT / "server" / "knobs.def"
PAGE = ROOT / "docs" / "KNOBS.md"
ROW = re.compile(r'KNOB\((\w+),\s*([\w:]+),\s*([^,]+),\s*([^,]+),\s*([^,]+),\s*"(\w+)",\s*"([^"]+)"\)')
NAMES = {"kLongestMs": 365 * 24 * 3600 * 1000, "kRequestBytesMaxMax": 4000 << 20, "kTrailerBytesMaxMax": 64 << 20, "INT32_MAX": 2**31 - 1, "UINT64_MAX": 2**64 - 1}

HEAD = """\
<!-- Made by scripts/knobs.py from server/knobs.def. -->
# Knobs

Each is a flag of every server program and a member of `httpdyno::Config` (without `--` and `-ms`, with `_` for `-`). A value out of
its range is refused with one line and exit code 2. `--bind` is the numeric address to listen on, IPv4 or IPv6, or
`unix:` and the path of a unix socket (docs/EMBEDDING.md); its default is 127.0.0.1."""


def number(text: str) -> int:
    """A literal of the table: digits with ' between them, a name, or one of these shifted left."""
    value, _, shift = text.strip().partition("<<")
    value = value.strip().replace("'", "").removesuffix("UL")
    return (NAMES[value] if value in NAMES else int(value)) << int(shift or 0)


def grouped(value: int) -> str:
    return f"{value:,}".replace(",", " ")


def page(table: str) -> str:
    out = [HEAD]
    for line in table.splitlines():
        if line.startswith("// ") and line.endswith(".") and out[-1].strip() == "" and "KNOB" not in line:
            title, _, more = line[3:].partition(". ")
            out += [f"## {title.removesuffix('.')}", "", *([more, ""] if more else [])]
            out += ["| flag | default | from | to | unit | what |", "|---|---|---|---|---|---|"]
        elif line.startswith("KNOB("):
            row = ROW.fullmatch(line)
            if row is None:
                raise ValueError(f"{TABLE.relative_to(ROOT)}: no row of the table: {line}")
            name, kind, initial, low, high, unit, text = row.groups()
            flag = "--" + name.replace("_", "-") + ("-ms" if kind == "milliseconds" else "")
            out.append(f"| `{flag}` | {grouped(number(initial))} | {grouped(number(low))} | {grouped(number(high))} | {unit} | {text} |")
        elif line == "" and out[-1] != "":
            out.append("")
    return "\n".join(out) + "\n"


def main() -> int:
    if sys.argv[1:] not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        wanted = page(TABLE.read_text())
    except (ValueError, KeyError) as error:
        print(f"knobs.py: {error}", file=sys.stderr)
        return 2
    if not sys.argv[1:]:
        PAGE.write_text(wanted)
        return 0
    if PAGE.exists() and PAGE.read_text() == wanted:
        return 0
    print("knobs.py: docs/KNOBS.md is not what server/knobs.def says; run scripts/knobs.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
