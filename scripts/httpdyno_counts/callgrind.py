"""What callgrind wrote of one process: its instructions, in all and by function. The kernel's are not among them."""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from httpdyno_bench.errors import RunError

# "(12) name" the first time, "(12)" from then on.
_COMPRESSED = re.compile(r"\((\d+)\)(?: (.*))?")
_COST = re.compile(r"[-+*\d]")


@dataclasses.dataclass(frozen=True)
class Profile:
    """`functions` are those executed in each function itself, not in those it calls: they sum up to `instructions`."""

    instructions: int
    functions: Mapping[str, int]


class _Names:
    """Functions and objects by the numbers that stand for them."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def of(self, written: str) -> str:
        match = _COMPRESSED.fullmatch(written)
        if match is None:
            return written
        number, name = match.groups()
        if name is not None:
            self._known[number] = name
        return self._known[number]


def read_profile(file: Path, program: str) -> Profile:
    """A function of another object than the program has that object's name behind its own: memcpy [libc.so.6]."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise RunError(f"callgrind wrote no counts: {error.strerror}") from error
    try:
        profile = _parse(text, program)
    except (ValueError, KeyError, IndexError) as error:
        raise RunError(f"{file.name} is none of callgrind's files: {error!r}") from error
    return profile


def _parse(text: str, program: str) -> Profile:
    functions: dict[str, int] = defaultdict(int)
    function_names, object_names = _Names(), _Names()
    positions = 1
    total: int | None = None
    place = where = ""
    of_callee = False
    for line in text.splitlines():
        key, separator, value = line.partition("=")
        if _COST.match(line):
            # What a call cost is the callee's.
            if not of_callee:
                functions[place] += int(line.split()[positions])
            of_callee = False
        elif separator and key == "fn":
            name = function_names.of(value)
            place = name if where == program else f"{_anonymous(name)} [{where}]"
        elif separator and key == "ob":
            where = Path(object_names.of(value)).name
        elif separator and key == "cfn":
            function_names.of(value)
        elif separator and key == "cob":
            object_names.of(value)
        elif separator and key == "calls":
            of_callee = True
        elif line.startswith("positions:"):
            positions = len(line.split()) - 1
        elif line.startswith("events:") and line.split()[1:] != ["Ir"]:
            raise ValueError(line)
        elif line.startswith(("summary:", "totals:")):
            total = int(line.split()[1])
    if total is None or sum(functions.values()) != total:
        raise ValueError(f"its functions have {sum(functions.values())} instructions, the whole {total}")
    return Profile(total, dict(functions))


def _anonymous(name: str) -> str:
    """Without symbols callgrind calls a function by its address."""
    return "?" if re.fullmatch(r"0x[0-9a-f]+|\?\?\?", name) else name
