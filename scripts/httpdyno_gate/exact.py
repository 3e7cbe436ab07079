"""Exact counts of both sides as a part of the verdict: what each of the programs that are gated takes for a request."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from httpdyno_bench.tables import load_variants, load_workloads, select
from httpdyno_counts import budgets, cli, judging
from httpdyno_counts.counting import Counts, has_turns, measure
from httpdyno_counts.exchange import exchange_of
from httpdyno_counts.judging import State
from httpdyno_counts.texts import short_name

from .builds import Tree
from .judge import Zone
from .outcome import CountResult
from .rows import Row

_ZONES = {
    State.SAME: Zone.PASS, State.BETTER: Zone.PASS, State.WORSE: Zone.REGRESSION, State.STALE: Zone.REGRESSION,
    State.DEMOTED: None, State.UNSTEADY: Zone.INCONCLUSIVE,
}
_FUNCTIONS_NAMED = 3


def exact_counts(
    base: Tree, head: Tree, rows: Sequence[Row], libraries: Path, base_flags: Sequence[str], head_flags: Sequence[str]
) -> list[CountResult]:
    """Of each program of the rows under each workload that is counted; the budgets are the head's own. `libraries` are those to
    count with. The programs are as the build linked them: a link's order changes no count. A pool's instructions could hardly
    ever be judged, and its programs are of the same objects."""
    held = budgets.load(head.sources / "bench" / "budgets.json")
    workloads = select(load_workloads(head.sources / "bench" / "scenarios.json"), cli.WORKLOADS, "workload")
    exchanges = [exchange_of(workload) for workload in workloads]
    variants = select(load_variants(head.sources / "variants" / "variants.json"), ",".join(row.variant for row in rows), "variant")
    results = []
    for variant in variants:
        for exchange in exchanges:
            def count(tree: Tree, flags: Sequence[str]) -> Counts:
                return measure(tree.bin_dir, variant, exchange, library_dir=libraries, flags=flags, instructions=not has_turns(variant))

            judged = judging.judge(count(head, head_flags), count(base, base_flags), held.get((variant.name, exchange.name)))
            # Calls that the scheduler decides on tell nobody anything.
            results += [_told(result) for result in judged if result.state is not State.DEMOTED or result.note]
    return results


def _told(result: judging.CountResult) -> CountResult:
    grown = [f"{short_name(function.name)} {function.more:+.1f}" for function in result.functions[:_FUNCTIONS_NAMED]]
    note = "; ".join(filter(None, (result.note, ", ".join(grown))))
    return CountResult(result.row, f"{result.workload} {result.count}", _ZONES[result.state], result.reference, result.value, note)
