"""rows.json says which tests show which property of the server (A, B, C: the tests say what it is), which trouble of other servers
(T) and of pools (P), and, where no conformance case can, which rule of HTTP (H); here it is held to that.

An entry is FILE::TEST with a file of this folder or a path from tests/, `unit: SUITE.TEST` of a C++ test, `sim: PLANT` of a bug that
the simulated world must find, or `micro: NAME` of a micro benchmark, where a row asks for a measurement.
"""

from __future__ import annotations

import ast
import functools
import json
import re
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
ROWS: dict[str, list[str]] = json.loads((HERE / "rows.json").read_text("utf-8"))
# A28 speaks of another language's files: there is nothing to show here.
WANTED = [
    *[f"A{i}" for i in range(1, 28)], *[f"B{i}" for i in range(1, 9)], *[f"C{i}" for i in range(1, 18)],
    *[f"T{i}" for i in range(1, 33)], *[f"P{i}" for i in range(1, 43)],
]


@functools.cache
def functions_of(path: Path) -> frozenset[str]:
    if not path.is_file():
        return frozenset()
    tree = ast.parse(path.read_text("utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))


@functools.cache
def unit_tests() -> frozenset[str]:
    found: set[str] = set()
    for path in TESTS.glob("*/*_test.cc"):
        found.update(f"{suite}.{name}" for suite, name in re.findall(
            r"^(?:TYPED_)?TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", path.read_text("utf-8"), re.MULTILINE))
    return frozenset(found)


@functools.cache
def plants() -> frozenset[str]:
    return frozenset(re.findall(r'^    \{"([a-z0-9-]+)", "', (TESTS / "sim" / "plants.cc").read_text("utf-8"), re.MULTILINE))


@functools.cache
def micro_benchmarks() -> frozenset[str]:
    found: set[str] = set()
    for path in (TESTS.parent / "bench" / "micro").glob("*_bench.cc"):
        found.update(re.findall(r"^BENCHMARK(?:_TEMPLATE)?\((\w+)", path.read_text("utf-8"), re.MULTILINE))
    return frozenset(found)


def exists(entry: str) -> bool:
    if entry.startswith("sim: "):
        return entry.removeprefix("sim: ") in plants()
    if entry.startswith("micro: "):
        return entry.removeprefix("micro: ") in micro_benchmarks()
    if entry.startswith("unit: "):
        return entry.removeprefix("unit: ") in unit_tests()
    file, _, test = entry.partition("::")
    return test in functions_of((TESTS if "/" in file else HERE) / file)


@pytest.mark.parametrize("row", sorted({*WANTED, *ROWS}, key=lambda row: (row[0], int(row[1:]))))
def test_row_is_shown_by_tests_that_exist(row: str) -> None:
    entries = ROWS.get(row, [])
    assert entries, f"no test shows {row}"
    missing = [entry for entry in entries if not exists(entry)]
    assert not missing, f"{row}: there is no {missing}"


def test_what_does_not_exist_is_noticed() -> None:
    assert exists("test_rows.py::test_what_does_not_exist_is_noticed")
    assert not exists("test_rows.py::test_that_is_not_there")
    assert not exists("test_none.py::test_what_does_not_exist_is_noticed")
    assert not exists("unit: Nobody.HasWrittenThis")
    assert not exists("sim: nobody-has-planted-this")
    assert not exists("micro: nobody_measures_this")
