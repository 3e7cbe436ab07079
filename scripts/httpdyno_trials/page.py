"""docs/SLOW_CLIENTS.md from a record, and from nothing else."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from httpdyno_report.estimates import Estimate, hodges_lehmann, median_estimate
from httpdyno_report.wording import QUIET_SHARE_MAX, cell, fixed, interval, mebibytes, microseconds, percent

from .trial import HEALTHY

# A healthy client may wait twice as long as without the attack.
RATIO_MAX = 2.0
_MARKER = re.compile(r"^<!-- Generated from results/(\S+)/trial\.json by scripts/slow_clients\.py\.")


def named_by(first_line: str) -> str | None:
    match = _MARKER.match(first_line)
    return match[1] if match else None


def render(record: Mapping[str, Any]) -> str:
    settings, machine = record["settings"], record["machine"]
    source = f"results/{record['name']}/trial.json"
    dirty = " **with uncommitted changes**" if record["revision"]["dirty"] else ""
    lines = [
        f"<!-- Generated from {source} by scripts/slow_clients.py. Do not edit: "
        "`scripts/slow_clients.py report --check` proves every byte. -->",
        "",
        "# Slow clients",
        "",
        f"Attacks by up to {settings['connections']:,} slow clients, of whom never more than {_together_max(record):,} "
        f"were open at a time, against {settings['variant']}, whose "
        f"deadlines for requests, for writes and for idle connections are {settings['timeout_ms']} ms; and a healthy "
        "client that meanwhile asks on two keep-alive connections, again as soon as it is answered.",
        "",
        "| | |",
        "|---|---|",
        f"| record | [`{source}`](../{source}), begun {record['started']} |",
        f"| measured by | `{record['command']}` |",
        f"| revision | `{record['revision']['commit']}`{dirty} |",
        f"| machine | {machine['cpu_model']}, {machine['usable_cpus']} CPUs, {machine['kernel']}, "
        f"{machine['distribution']} |",
        f"| attacks by | slowhttptest {record['tools']['slowhttptest']} |",
        "",
        "## Evictions",
        "",
        "| attack | what it does | connections given up, in each round | most open at a time, in each round | "
        "longest life of one, ms | peak RSS, MiB |",
        "|---|---|---|---|---|---|",
        *[_eviction_line(attack, _rounds(record, attack)) for attack in record["attacks"]],
        "",
        "The life of a connection is read from the server's counters, every 50 ms, and is an upper bound: from the "
        "last reading before it was accepted to the first one after it was given up. A slow read is over for the "
        "server when the kernel has taken its answer; the connection is then idle, and given up as such. The client of "
        "a stalled read takes what its window holds after the server's send got stuck. That is progress, so it is given "
        "up at its second deadline.",
        "",
        "## The healthy client",
        "",
        f"Without the attack and during it in turn, a coin decides which comes first; {settings['rounds']} rounds, "
        "each with fresh processes. The ratio is Hodges and Lehmann's estimate over rounds, with its interval; "
        f"at most {RATIO_MAX:g} is allowed. {_quietness(record)}",
        "",
        "| attack | p99 alone, µs | p99 attacked, µs | p99, attacked over alone | interval | "
        "| server CPU share alone | attacked | server CPU per request, attacked over alone |",
        "|---|---|---|---|---|---|---|---|---|",
        *[_healthy_line(attack, _rounds(record, attack), _quiet(record)) for attack in record["attacks"]],
        "",
        "The attack runs on the core of the healthy client's generator and gets what that leaves (SCHED_IDLE). It is "
        "shared by several processes: one alone polls so many connections at once that the healthy client waits for "
        "its own core, not for the server ([decision 0006](decisions/0006-slow-clients-share-their-attack.md)). Figures "
        "are medians over rounds with their intervals.",
        "",
        "The attacks:",
        "",
        *[f"- {attack['name']}: {attack['processes']} times `{attack['command']}`" for attack in record["attacks"]],
    ]
    return "\n".join(lines) + "\n"


def _foreign_shares(record: Mapping[str, Any]) -> list[float]:
    """Where there was no attack, whatever was used besides server and generator was others'. The median is in the
    middle."""
    return sorted(each["undisturbed"]["foreign_cpu_share"] for each in record["rounds"])


def _quiet(record: Mapping[str, Any]) -> bool:
    shares = _foreign_shares(record)
    return shares[len(shares) // 2] <= QUIET_SHARE_MAX


def _quietness(record: Mapping[str, Any]) -> str:
    shares = _foreign_shares(record)
    text = (f"Without an attack others used {100 * shares[len(shares) // 2]:.1f} % of the two cores' time in the median "
            f"run, {100 * shares[-1]:.1f} % in the worst.")
    return text if _quiet(record) else f"**The machine was not quiet,** so nothing is decided. {text}"


def _rounds(record: Mapping[str, Any], attack: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [each for each in record["rounds"] if each["attack"] == attack["name"]]


def _together(attack: Mapping[str, Any], rounds: Sequence[Mapping[str, Any]]) -> list[int]:
    """Slow clients at a time, at most: without the healthy client's connections and the tool's probes."""
    each_has = re.search(r" -c (\d+) ", attack["command"])
    assert each_has is not None
    own = attack["processes"] * int(each_has[1])
    return [min(each["eviction"]["open_max"] - HEALTHY.connections, own) for each in rounds]


def _together_max(record: Mapping[str, Any]) -> int:
    return max(max(_together(attack, _rounds(record, attack))) for attack in record["attacks"])


def _eviction_line(attack: Mapping[str, Any], rounds: Sequence[Mapping[str, Any]]) -> str:
    evictions = [each["eviction"] for each in rounds]
    lives = [eviction["longest_life_ms"] for eviction in evictions]
    given_up = sorted({eviction["evicted"] for eviction in evictions})
    life = "some were never given up" if None in lives else f"{min(lives)}–{max(lives)}"
    together = _together(attack, rounds)
    peak = median_estimate([float(eviction["server_rss_peak_bytes"]) for eviction in evictions])
    return (f"| {attack['name']} | {attack['title']} | {', '.join(map(str, given_up))} "
            f"| {min(together)}–{max(together)} | {life} | {cell(peak, mebibytes)} |")


def _healthy_line(attack: Mapping[str, Any], rounds: Sequence[Mapping[str, Any]], quiet: bool) -> str:
    def over_rounds(side: str, key: str) -> Estimate:
        return median_estimate([float(_value(each[side], key)) for each in rounds])

    def attacked_over_alone(key: str) -> Estimate:
        logs = [math.log(_value(each["attacked"], key) / _value(each["undisturbed"], key)) for each in rounds]
        return hodges_lehmann(logs).map(math.exp)

    p99, cpu = attacked_over_alone("p99"), attacked_over_alone("server_cpu_ns_per_request")
    ratio = fixed(2)
    verdict = "met" if p99.value <= RATIO_MAX else "**not met**"
    if p99.count > 1 and (p99.high > RATIO_MAX) == (p99.value <= RATIO_MAX):
        verdict += " (its interval reaches over the bound)"
    if not quiet:
        verdict = "not decided"
    return (f"| {attack['name']} | {cell(over_rounds('undisturbed', 'p99'), microseconds)} "
            f"| {cell(over_rounds('attacked', 'p99'), microseconds)} "
            f"| {ratio(p99.value)} | {interval(p99, ratio)} | {verdict} "
            f"| {cell(over_rounds('undisturbed', 'server_cpu_share'), percent)} "
            f"| {cell(over_rounds('attacked', 'server_cpu_share'), percent)} | {cell(cpu, ratio)} |")


def _value(side: Mapping[str, Any], key: str) -> float:
    return float(side["latency_ns"][key] if key in side["latency_ns"] else side[key])
