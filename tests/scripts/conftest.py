"""A small world for the scripts: fake programs that keep the contract of the real ones, and go wrong when told to."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
FAKES = Path(__file__).resolve().parent / "fakes"
sys.path.insert(0, str(ROOT / "scripts"))

from httpdyno_bench.identity import tree_revision  # noqa: E402
from httpdyno_bench.peers import NAMES as PEERS  # noqa: E402
from httpdyno_bench.tables import load_variants  # noqa: E402


@dataclasses.dataclass
class World:
    """A folder of fake programs, a folder for records, and the scripts to run on them."""

    bin_dir: Path
    out: Path
    settings: dict[str, Any]

    def change(self, **settings: Any) -> None:
        self.settings.update(settings)
        (self.bin_dir / "world.json").write_text(json.dumps(self.settings), encoding="utf-8")

    def command(self, *arguments: str) -> list[str]:
        return [str(ROOT / "scripts" / "bench.py"), "--bin-dir", str(self.bin_dir), "--out", str(self.out), *arguments]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "PATH": f"{self.bin_dir}:{os.environ['PATH']}"}

    def bench(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments), env=self.environment(), capture_output=True, text=True, check=False, timeout=60,
            **options,
        )

    def small(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """A run of few and short steps: two rows, one workload, one round; each kind of step is among them."""
        return self.bench(
            "--profile", "smoke", "--variants", "floor-epoll,inline-system", "--workloads", "keepalive-get",
            "--seed", "7", "--patience", "0", *arguments, **options,
        )

    def small_dispatch(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """The same of the suite "dispatch", without a count of calls."""
        return self.bench(
            "--suite", "dispatch", "--profile", "smoke", "--variants", "inline-system,inline-mimalloc,pool-system",
            "--workloads", "json,work,upload-burst", "--seed", "7", *arguments, **options,
        )

    def folders(self) -> list[Path]:
        return sorted(self.out.iterdir()) if self.out.exists() else []

    def record(self) -> dict[str, Any]:
        (folder,) = self.folders()
        return dict(json.loads((folder / "record.json").read_text(encoding="utf-8")))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def make_world(path: Path) -> World:
    bin_dir = path / "bin"
    bin_dir.mkdir()
    build = {"revision": tree_revision(ROOT).commit, "dirty": False, "compiler": "g++ 12.2.0", "flags": "-O3",
             "build_type": "Release", "sanitizers": "", "kernel": "Linux"}
    identities: dict[str, Any] = {"loadgen": {"row": "loadgen", **build}}
    for variant in load_variants(ROOT / "variants" / "variants.json"):
        identities[variant.name] = {"row": variant.name, "axes": dict(variant.axes), **build,
                                    "allocator": variant.axes["allocator"], "allocator_proof": "probed"}
        _install(FAKES / "server.py", bin_dir / variant.name)
    _install(FAKES / "loadgen.py", bin_dir / "loadgen")
    for tool in ("wrk", "h2load", "hey", "slowhttptest"):
        _install(FAKES / f"{tool}.py", bin_dir / tool)
    for peer in PEERS:
        _install(FAKES / "server.py", bin_dir / peer)
    (path / "lib").mkdir()
    # The fakes count for themselves.
    (path / "lib" / "libcount_allocations.so").touch()
    world = World(bin_dir, path / "results", {"identities": identities, "faults": {}, "cost_ns": {}, "idle_bytes": {},
                                           "upload_bytes": {}})
    world.change()
    return world


def _install(source: Path, target: Path) -> None:
    target.write_bytes(source.read_bytes())
    target.chmod(0o755)
