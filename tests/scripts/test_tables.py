"""The tables, as they are and as they must not be."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from httpdyno_bench.errors import UsageError
from httpdyno_bench.tables import load_variants, load_workloads, select

VARIANTS = json.loads((ROOT / "variants" / "variants.json").read_text(encoding="utf-8"))


def written(path: Path, table: Any) -> Path:
    file = path / "variants.json"
    file.write_text(table if isinstance(table, str) else json.dumps(table), encoding="utf-8")
    return file


def test_the_tables_of_the_tree_load() -> None:
    assert load_variants(ROOT / "variants" / "variants.json")[0].kind == "floor"
    assert {w.name for w in load_workloads(ROOT / "bench" / "scenarios.json")} >= {"keepalive-get", "pipelined-16"}


@pytest.mark.parametrize("change", [
    lambda t: t["variants"].append(copy.deepcopy(t["variants"][0])),  # twice the same
    lambda t: t["variants"].reverse(),  # references below their rows
    lambda t: t["variants"][0].pop("axes"),
    lambda t: t["variants"][0].update(name="../../etc"),
    lambda t: t.update(variants=[]),
    lambda t: t["variants"].append({**t["variants"][1], "name": "another-name"}),  # twice the same axes
    lambda t: t["variants"][1].update(changed_axis="allocator"),
    lambda t: t["variants"][-1]["axes"].update(io="uring"),  # two axes differ
    lambda t: t["variants"][-1]["axes"].pop("io"),
    lambda t: t["variants"][-1].update(suites=[]),
    lambda t: t["variants"][-1].update(suites=["bass"]),
    lambda t: t["variants"][-1].pop("suites"),
])
def test_a_damaged_table_is_refused(tmp_path: Path, change: Any) -> None:
    table = copy.deepcopy(VARIANTS)
    change(table)
    with pytest.raises(UsageError):
        load_variants(written(tmp_path, table))


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    for content in ("", "[]", "{", '{"variants": 3}'):
        with pytest.raises(UsageError):
            load_variants(written(tmp_path, content))
    with pytest.raises(UsageError, match="cannot read"):
        load_variants(tmp_path / "nowhere.json")


def test_a_run_takes_the_rows_of_its_suite() -> None:
    """What make bench measures within its five minutes is not more for a row that another run is for."""
    rows = load_variants(ROOT / "variants" / "variants.json")
    base = ["floor-epoll", "inline-system", "inline-aa", "inline-mimalloc", "pool-system", "pool-mimalloc"]
    assert [row.name for row in select(rows, None, "variant")] == base
    dispatch = [row.name for row in select(rows, None, "variant", "dispatch")]
    assert {"inline-jemalloc", "inline-tcmalloc", "pool-jemalloc", "pool-tcmalloc", "inline-system-loops2",
            "pool-system-loops2", *base} == set(dispatch)
    assert [row.name for row in select(rows, "pool-jemalloc", "variant")] == ["pool-jemalloc"]


def test_selection_keeps_the_order_of_the_table() -> None:
    rows = load_variants(ROOT / "variants" / "variants.json")
    chosen = select(rows, "inline-system, floor-epoll", "variant")
    assert [row.name for row in chosen] == ["floor-epoll", "inline-system"]
    with pytest.raises(UsageError, match="unknown variant 'inline-sytem'.*inline-system"):
        select(rows, "inline-sytem", "variant")
    with pytest.raises(UsageError, match="no variant named"):
        select(rows, ",", "variant")
