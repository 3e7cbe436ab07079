"""A strict reader of OpenMetrics 1.0 text: whatever the specification forbids is an error.

It knows what a server's counters need, counters and gauges without labels, timestamps or exemplars, and refuses the rest.
"""

from __future__ import annotations

import dataclasses
import re

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")
_VALUE = re.compile(r"(0|[1-9][0-9]*)\Z")
_HELP = re.compile(r'(?:[^\\"]|\\[\\n"])+\Z')
_SUFFIXES = ("_total", "_created", "_count", "_sum", "_bucket", "_info", "_gcount", "_gsum")
_TYPES = {"counter": "_total", "gauge": ""}


@dataclasses.dataclass
class Family:
    """A metric family: one value, because there are no labels."""

    name: str
    type: str | None = None
    unit: str | None = None
    help: str | None = None
    value: int | None = None


class Malformed(Exception):
    """The text is no OpenMetrics exposition, and where."""


def parse(octets: bytes) -> dict[str, Family]:
    """The families by name, in their order."""
    text = octets.decode("utf-8")
    if not text.endswith("# EOF\n"):
        raise Malformed("it does not end in '# EOF' and a line feed")
    if "\r" in text:
        raise Malformed("lines end in a line feed alone")
    families: dict[str, Family] = {}
    current: Family | None = None
    for number, line in enumerate(text[: -len("# EOF\n")].split("\n")[:-1], 1):
        try:
            current = _metadata(line, current, families) if line.startswith("#") else _sample(line, current)
        except Malformed as error:
            raise Malformed(f"line {number}: {error}: {line!r}") from None
    for family in families.values():
        if family.value is None:
            raise Malformed(f"{family.name} has no sample")
    return families


def _metadata(line: str, current: Family | None, families: dict[str, Family]) -> Family:
    parts = line.split(" ", 3)
    if len(parts) != 4 or parts[0] != "#" or parts[1] not in ("TYPE", "UNIT", "HELP"):
        raise Malformed("neither TYPE, UNIT nor HELP, each with one space")
    keyword, name, rest = parts[1:]
    if not _NAME.match(name):
        raise Malformed("no metric name")
    if current is None or name != current.name:
        if name in families:
            raise Malformed("the family's lines are not together")
        if name.endswith(_SUFFIXES):
            raise Malformed("a family's name has no reserved suffix")
        current = families[name] = Family(name)
    if current.value is not None:
        raise Malformed("metadata behind the sample")
    if getattr(current, keyword.lower()) is not None:
        raise Malformed(f"{keyword} twice")
    if keyword == "TYPE" and rest not in _TYPES:
        raise Malformed("not a type that is expected here")
    if keyword == "UNIT" and not name.endswith(f"_{rest}"):
        raise Malformed("the unit is not the name's end")
    if keyword == "HELP" and not _HELP.match(rest):
        raise Malformed("no text, or one that is not escaped")
    setattr(current, keyword.lower(), rest)
    return current


def _sample(line: str, current: Family | None) -> Family:
    name, space, value = line.partition(" ")
    if current is None or current.type is None:
        raise Malformed("a sample without TYPE")
    if name != current.name + _TYPES[current.type]:
        raise Malformed(f"not the sample of {current.name}, a {current.type}")
    if current.value is not None:
        raise Malformed("a second sample without labels")
    if not space or not _VALUE.match(value):
        raise Malformed("no whole number from 0, or something behind it")
    current.value = int(value)
    return current
