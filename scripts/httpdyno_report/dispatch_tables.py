"""The two tables of the part on dispatch: inline or pool, and allocators; cell by cell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import dispatch_wording, wording
from .dispatch import BurstRow, Dispatch
from .estimates import Estimate
from .model import Turn

_NOTHING = "–"
_CALL_TITLES = ("futex", "eventfd writes", "epoll_wait", "epoll_ctl", "recv", "send")

AnswerRow = tuple[str, list[str]]


def tables(dispatch: Dispatch) -> dict[str, Any]:
    workloads = list(dict.fromkeys(turn.workload for row in dispatch.allocators for turn in row.turns))
    bursts = list(dict.fromkeys(burst.workload for burst in dispatch.bursts))
    return {
        "answer_rows": _answer_rows(dispatch),
        "allocator_workloads": workloads,
        "burst_workloads": bursts,
        "allocator_rows": _allocator_rows(dispatch, workloads, bursts),
        "references": list(dict.fromkeys(row.reference for row in dispatch.allocators)),
        "rest_of": lambda workload: _least_rest(dispatch, workload),
        "call_titles": _CALL_TITLES,
        "count": count,
    }


def count(value: float) -> str:
    """Calls of a request; what start and end vary by is none."""
    text = f"{value:.3f}"
    return "0" if text in ("0.000", "-0.000") else text


def _answer_rows(dispatch: Dispatch) -> Callable[[str], list[AnswerRow]]:
    """For a workload: figure by figure, server by server."""
    servers = (dispatch.inline, *dispatch.pools)

    def row_of(figure: Callable[[str], Estimate | None], text: Callable[[float], str]) -> list[str]:
        return [wording.cell(figure(server), text) for server in servers]

    def of_row(workload: str, what: str) -> Callable[[str], Estimate | None]:
        return lambda server: None if (row := dispatch.row(workload, server)) is None else getattr(row, what)

    def p99(workload: str, server: str) -> Estimate | None:
        row = dispatch.row(workload, server)
        return None if row is None else row.latency_ns["p99"]

    def of_mix(server: str) -> Estimate | None:
        return None if (row := dispatch.mix(server)) is None else row.p99_ns

    def answer(workload: str) -> list[AnswerRow]:
        rows = [("thousand requests/s", row_of(of_row(workload, "requests_per_second"), wording.thousands))]
        if any(row.workload == workload for row in dispatch.mixes):
            rows.append(("p99 of the trivial, µs", row_of(of_mix, wording.microseconds)))
        else:
            rows.append(("p99, µs", row_of(lambda server: p99(workload, server), wording.microseconds)))
        rows.append(("server CPU µs/request", row_of(of_row(workload, "server_cpu_ns"), wording.microseconds)))
        turns = {server: dispatch.turn(workload, server) for server in dispatch.pools}
        if any(turns.values()):
            rows.append(("CPU over inline, in turn", ["1", *(_ratio(turns[server]) for server in dispatch.pools)]))
        return rows

    return answer


def _allocator_rows(dispatch: Dispatch, workloads: list[str], bursts: list[str]) -> list[AnswerRow]:
    """Each reference, and below it those that differ from it in the allocator."""
    rows: list[AnswerRow] = []
    for reference in dict.fromkeys(row.reference for row in dispatch.allocators):
        rows.append((reference, ["1"] * len(workloads) + _memory(dispatch, reference, bursts)))
        for row in dispatch.allocators:
            if row.reference == reference:
                turns = {turn.workload: turn for turn in row.turns}
                cells = [_judged(turns.get(workload)) for workload in workloads]
                rows.append((row.contender, cells + _memory(dispatch, row.contender, bursts)))
    return rows


def _memory(dispatch: Dispatch, contender: str, bursts: list[str]) -> list[str]:
    cells: list[str] = []
    for workload in bursts:
        row = _burst(dispatch, contender, workload)
        if row is None:
            cells += [_NOTHING] * 3
            continue
        more = _NOTHING if row.more_than_reference is None else dispatch_wording.more_than_reference(row)
        cells += [wording.cell(row.after_burst, wording.mebibytes), wording.cell(row.after_rest, wording.mebibytes), more]
    return cells


def _burst(dispatch: Dispatch, contender: str, workload: str) -> BurstRow | None:
    return next((row for row in dispatch.bursts if (row.contender, row.workload) == (contender, workload)), None)


def _least_rest(dispatch: Dispatch, workload: str) -> str:
    return dispatch_wording.rest(min((row for row in dispatch.bursts if row.workload == workload),
                                     key=lambda row: row.rest_seconds))


def _ratio(turn: Turn | None) -> str:
    return _NOTHING if turn is None else wording.cell(turn.ratio, wording.ratio)


def _judged(turn: Turn | None) -> str:
    return _NOTHING if turn is None else f"{_ratio(turn)}<br>{wording.verdict(turn)}"
