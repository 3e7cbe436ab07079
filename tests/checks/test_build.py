"""What the build promises: formatted, portable to an architecture without our vector code, headers that stand alone."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from test_doors import ROOT, tracked

CROSS = "aarch64-linux-gnu-g++"
FLAGS = ["-std=c++20", "-Wall", "-Wextra", "-Werror", f"-I{ROOT}", "-DHTTPDYNO_SIMD=1", "-fsyntax-only"]


def run(command: list[str]) -> str:
    """Empty when the command succeeded."""
    done = subprocess.run(command, capture_output=True, text=True)
    return "" if done.returncode == 0 else f"{' '.join(command)}\n{done.stderr[-3000:]}"


def run_all(commands: list[list[str]]) -> list[str]:
    with ThreadPoolExecutor(max_workers=2) as pool:
        return [failure for failure in pool.map(run, commands) if failure]


def test_the_tree_is_formatted() -> None:
    files = tracked("*.h", "*.cc")
    assert not run(["clang-format", "--dry-run", "--Werror", *[str(ROOT / path) for path in files]])


def test_headers_compile_alone(tmp_path: Path) -> None:
    headers = tracked("net/*.h", "server/*.h", "variants/*.h", "loadgen/*.h")
    assert len(headers) > 20
    commands = []
    for index, path in enumerate(headers):
        source = tmp_path / f"{index}.cc"
        source.write_text(f'#include "{path}"\n#include "{path}"\n')
        commands.append(["g++", *FLAGS, str(source)])
    failures = run_all(commands)
    assert not failures, "\n".join(failures)


@pytest.fixture(scope="session")
def libraries_for_aarch64(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The headers of the libraries are the same for every architecture; zconf.h lies in this one's folder."""
    include = tmp_path_factory.mktemp("include")
    for name in ("fmt", "CLI", "nlohmann", "zlib.h"):
        (include / name).symlink_to(Path("/usr/include") / name)
    (include / "zconf.h").symlink_to("/usr/include/x86_64-linux-gnu/zconf.h" if Path(
        "/usr/include/x86_64-linux-gnu/zconf.h").exists() else "/usr/include/zconf.h")
    return include


def test_compiles_for_aarch64_without_simd(libraries_for_aarch64: Path, tmp_path: Path) -> None:
    sources = [path for path in tracked("net/*.cc", "server/*.cc", "variants/*.cc", "loadgen/*.cc")]
    assert len(sources) > 15
    # A folder at once: what they include is most of the work.
    folders = {os.path.dirname(path) for path in sources}
    commands = []
    for index, folder in enumerate(sorted(folders)):
        source = tmp_path / f"{index}.cc"
        source.write_text("".join(f'#include "{path}"\n' for path in sources if os.path.dirname(path) == folder))
        commands.append([CROSS, *FLAGS, f"-I{libraries_for_aarch64}", str(source)])
    failures = run_all(commands)
    assert not failures, "\n".join(failures)
