"""bench/budgets.json: what a request may take of memory and of calls to the kernel, by row and workload."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from httpdyno_bench.errors import RunError, UsageError
from httpdyno_bench.store import write_whole

_COMMENT = (
    "What a request may take of memory and of calls to the kernel, by row of variants.json and workload of scenarios.json: no "
    "more, and no less, so that what was won stays won. Written by scripts/counts.py --accept, compared by scripts/counts.py."
)

# Of a row under a workload, by the names of Counts.exact.
Budgets = dict[tuple[str, str], dict[str, float]]


def load(path: Path) -> Budgets:
    """None where there is no file yet."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"))["budgets"]
        return {
            (row, workload): {str(name): _count(count) for name, count in budget.items()}
            for row, workloads in table.items() for workload, budget in workloads.items()
        }
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"cannot read {path.name}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path.name} is no table of budgets: {error!r}") from error


def save(path: Path, budgets: Budgets) -> None:
    """The same octets for the same budgets, whole or not at all."""
    table: dict[str, dict[str, Any]] = {}
    for (row, workload), budget in sorted(budgets.items()):
        table.setdefault(row, {})[workload] = {name: _plain(count) for name, count in sorted(budget.items())}
    try:
        write_whole(path, json.dumps({"comment": _COMMENT, "budgets": table}, indent=2) + "\n")
    except OSError as error:
        raise RunError(f"cannot write {path.name}: {error.strerror}") from error


def _count(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e15:
        raise ValueError(f"{value!r} is no count")
    return float(value)


def _plain(count: float) -> int | float:
    return int(count) if count.is_integer() else round(count, 6)
