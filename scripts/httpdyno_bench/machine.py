"""The machine: what it is (never who it is), which cores a run uses, and what else went on while it measured."""

from __future__ import annotations

import dataclasses
import os
import platform
from pathlib import Path
from typing import Any

_CPU = Path("/sys/devices/system/cpu")
_CLOCKSOURCE = Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")
_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def fingerprint() -> dict[str, Any]:
    """Enough to know the machine's kind again, nothing that names it: no host name, no user, no path."""
    info = _cpu_info()
    return {
        "cpu_model": info.get("model name") or info.get("Model") or "unknown",
        "cpu_signature": "/".join(
            info.get(key, "?") for key in ("vendor_id", "cpu family", "model", "stepping")
        ),
        "architecture": platform.machine(),
        "logical_cpus": os.cpu_count() or 1,
        "usable_cpus": len(os.sched_getaffinity(0)),
        "memory_bytes": _memory_bytes(),
        "kernel": f"{platform.system()} {platform.release()}",
        "distribution": _distribution(),
        "clocksource": _read(_CLOCKSOURCE) or "unknown",
        "hypervisor": "hypervisor" in info.get("flags", "").split(),
        "governor": _read(_CPU / "cpu0/cpufreq/scaling_governor"),
    }


@dataclasses.dataclass(frozen=True)
class Placement:
    """The cores of server and generator. relation: distinct, siblings (two threads of one core) or same."""

    server: int
    generator: int
    relation: str


def choose_cores() -> Placement:
    """Two cores out of those this process may use, of different physical cores where there are such."""
    usable = sorted(os.sched_getaffinity(0))
    generator = usable[0]
    siblings = _siblings(generator)
    for server in usable[1:]:
        if server not in siblings:
            return Placement(server, generator, "distinct")
    if len(usable) > 1:
        return Placement(usable[1], generator, "siblings")
    return Placement(generator, generator, "same")


@dataclasses.dataclass(frozen=True)
class Reading:
    """The kernel's own book-keeping of the cores in use, to compare with a later one."""

    busy_ns: int
    steal_ns: int
    total_ns: int

    @classmethod
    def now(cls, cores: Placement) -> Reading:
        wanted = {f"cpu{cores.server}", f"cpu{cores.generator}"}
        busy = steal = total = 0
        for line in Path("/proc/stat").read_text(encoding="ascii").splitlines():
            fields = line.split()
            if not fields or fields[0] not in wanted:
                continue
            user, nice, system, idle, iowait, irq, softirq, stolen = map(int, fields[1:9])
            busy += user + nice + system + irq + softirq
            steal += stolen
            total += user + nice + system + irq + softirq + idle + iowait + stolen
        return cls(busy * _TICK_NS, steal * _TICK_NS, total * _TICK_NS)


def disturbance(before: Reading, after: Reading, own_cpu_ns: int) -> dict[str, float]:
    """What the hypervisor took, and what other programs used, of the two cores' time. Ticks are coarse: 10 ms."""
    total = max(after.total_ns - before.total_ns, 1)
    foreign = max(after.busy_ns - before.busy_ns - own_cpu_ns, 0)
    return {
        "steal_share": round((after.steal_ns - before.steal_ns) / total, 4),
        "foreign_cpu_share": round(foreign / total, 4),
        "load_average": round(os.getloadavg()[0], 2),
    }


def _cpu_info() -> dict[str, str]:
    """The first processor's block of /proc/cpuinfo."""
    info: dict[str, str] = {}
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if not line.strip() and info:
            break
        key, _, value = line.partition(":")
        info[key.strip()] = value.strip()
    return info


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "unknown")
    except OSError:
        return "unknown"


def _siblings(core: int) -> set[int]:
    """The hardware threads of a core, from a list such as 0-1,8."""
    listed = _read(_CPU / f"cpu{core}/topology/thread_siblings_list") or str(core)
    siblings: set[int] = set()
    for part in listed.split(","):
        first, _, last = part.partition("-")
        siblings.update(range(int(first), int(last or first) + 1))
    return siblings


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return None
