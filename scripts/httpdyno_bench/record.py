"""What a record says: its head, known before the first figure, and the whole, made of the journal at the end."""

from __future__ import annotations

import collections
import dataclasses
import json
import platform
import re
from collections.abc import Mapping, Sequence
from typing import Any

from . import machine, other_generators, plan
from .calls import strace_version
from .contenders import Contender, as_built, with_pool_sizes
from .errors import UsageError
from .generators import Generators
from .identity import KEPT, Program, Revision
from .peers import NAMES as PEER_NAMES
from .peers import Peer
from .store import SCHEMA_VERSION, RunFolder, timestamp
from .tables import Variant, Workload

_FOLDERS = re.compile(r"(?<![\w/:.])~?/(?:[^\s/:;,'\"]+/)+")


@dataclasses.dataclass(frozen=True)
class Setup:
    """What a run is: chosen anew, or read from the journal of one that goes on."""

    suite: str
    profile: plan.Profile
    variants: list[Variant]
    workloads: list[Workload]
    seed: int

    @property
    def contenders(self) -> list[Contender]:
        """In the order of the table of variants."""
        if self.suite != "dispatch":
            return as_built(self.variants)
        return with_pool_sizes(self.variants, any("spin" in workload.dispatch for workload in self.workloads))


def make_head(
    command: str, setup: Setup, revision: Revision, programs: Mapping[str, Program], generators: Generators,
    cores: machine.Placement, steps: Sequence[plan.Step], peers: Mapping[str, Peer],
) -> dict[str, Any]:
    """No path and no name of host or user gets in: a record names a machine by its kind."""
    head = {
        "schema_version": SCHEMA_VERSION,
        "started": timestamp(),
        "command": command,
        "suite": setup.suite,
        "revision": {
            "commit": revision.commit,
            "dirty": revision.dirty or any(bool(program.identity.get("dirty")) for program in programs.values()),
        },
        "profile": plan.profile_record(setup.profile),
        "seed": setup.seed,
        "plan_sha256": plan.plan_digest(steps),
        "machine": machine.fingerprint(),
        "placement": dataclasses.asdict(cores),
        "tools": {
            "python": platform.python_version(),
            "wrk": generators.wrk_version(),
            **_others(setup),
            "strace": strace_version() if any(step.kind == "calls" for step in steps) else None,
            "loadgen": _kept(generators.loadgen_identity),
        },
        "variants": [
            {
                **dataclasses.asdict(variant),
                "identity": _kept(programs[variant.name].identity),
                "sha256": programs[variant.name].sha256,
            }
            for variant in setup.variants
        ],
        "contenders": [
            {
                "name": contender.name, "variant": contender.variant.name, "workers": contender.workers,
                "spin_us": contender.spin_us, "reference": contender.reference,
                "changed_axis": contender.changed_axis, "question": contender.question,
            }
            for contender in setup.contenders
        ],
        "workloads": [dataclasses.asdict(workload) for workload in setup.workloads],
        "peers": [
            {"name": name, "version": peers[name].version if name in peers else None} for name in PEER_NAMES
        ],
    }
    # As it will be read again: a head that goes on is compared with one from a journal.
    return dict(json.loads(json.dumps(head)))


def setup_of(head: Mapping[str, Any]) -> Setup:
    """The way back, for a run that goes on."""
    return Setup(
        head["suite"],
        plan.Profile(**_fields(plan.Profile, head["profile"])),
        [Variant(**_fields(Variant, row)) for row in head["variants"]],
        [Workload(**_fields(Workload, row)) for row in head["workloads"]],
        head["seed"],
    )


def _fields(kind: type[plan.Profile] | type[Variant] | type[Workload], row: Mapping[str, Any]) -> dict[str, Any]:
    """What JSON has as lists are tuples in the tables' rows."""
    values = {field.name: row[field.name] for field in dataclasses.fields(kind)}
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}


def refuse_other_run(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """A run goes on only as what it was: figures of two builds or of two machines are no record."""
    for key, what in (("revision", "the tree"), ("machine", "the machine"), ("placement", "the cores in use"),
                      ("plan_sha256", "the plan")):
        if recorded[key] != now[key]:
            raise UsageError(f"{what} is not what it was when the run began: begin a new run")
    then, today = ({row["name"]: row["sha256"] for row in head["variants"]} for head in (recorded, now))
    if then != today:
        other = ", ".join(name for name in then if then[name] != today.get(name))
        raise UsageError(f"the programs are not those the run began with ({other}): begin a new run")


def make_record(folder: RunFolder) -> dict[str, Any]:
    by_kind: dict[str, list[dict[str, Any]]] = collections.defaultdict(list)
    for line in folder.steps:
        by_kind[line["kind"]].append({key: value for key, value in line.items() if key not in ("step", "kind")})
    return {
        **folder.head,
        "finished": timestamp(),
        "measuring_seconds": round(folder.measuring_seconds, 1),
        "interruptions": folder.interruptions,
        "failures": folder.failures,
        "cells": by_kind["cell"],
        "turns": by_kind["turn"],
        "generators": by_kind["generators"],
        "idle": by_kind["idle"],
        "sweeps": by_kind["sweep"],
        "bursts": by_kind["burst"],
        "calls": by_kind["calls"],
        "saturation": by_kind["saturation"],
        "paced": by_kind["paced"],
        "shares": by_kind["share"],
    }


def without_paths(text: str) -> str:
    """A message without the folders in it, which may name a user or a machine; URLs stay whole."""
    return _FOLDERS.sub("", text)


def _others(setup: Setup) -> dict[str, str]:
    """The generators that only one suite has."""
    packages = {"h2load": "nghttp2-client", "hey": "hey"} if setup.suite == "generators" else {}
    return {name: other_generators.version_of(package) for name, package in packages.items()}


def _kept(identity: Mapping[str, Any]) -> dict[str, Any]:
    return {key: identity[key] for key in KEPT if key in identity}
