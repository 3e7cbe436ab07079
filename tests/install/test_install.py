"""What others embed: installed into a prefix of its own, found by CMake and by pkg-config, and examples/hello.cc runs."""

from __future__ import annotations

import os
import re
import select
import shlex
import signal
import subprocess
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("HTTPDYNO_BIN") or ROOT / "build" / "release" / "bin").parent
HELLO = ROOT / "examples" / "hello.cc"

USER_PROJECT = f"""
cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES CXX)
find_package(httpdyno 0.1 REQUIRED)
add_executable(hello {HELLO} other.cc)
target_compile_options(hello PRIVATE -Wall -Wextra -Wpedantic -Werror)
target_link_libraries(hello PRIVATE httpdyno::httpdyno)
"""
# A second file with the same headers, whose own header has the name of one of ours.
OTHER = '#include "server/config.h"\n#include <httpdyno/httpdyno.h>\nint other() { return mine + httpdyno::Config().backlog; }\n'


def run(*command: str | Path, cwd: Path | None = None, **variables: str) -> str:
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **variables}, capture_output=True, text=True, timeout=240, check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Installed, then moved: nothing in it may know where it was."""
    first = tmp_path_factory.mktemp("first") / "usr"
    run("cmake", "--install", BUILD, "--prefix", first)
    place = tmp_path_factory.mktemp("moved") / "usr"
    first.rename(place)
    return place


@pytest.fixture(scope="module")
def pkg_config_path(prefix: Path) -> str:
    (found,) = prefix.rglob("httpdyno.pc")
    return str(found.parent)


def check_hello(program: Path) -> None:
    """It says where it is, greets, and stops when it is told to."""
    process = subprocess.Popen([program, "0"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None and select.select([process.stdout], [], [], 20)[0]
        url = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/world", url)
        with urllib.request.urlopen(url, timeout=20) as response:
            assert response.read() == b"Hello, world!\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_cmake_finds_it(prefix: Path, tmp_path: Path) -> None:
    (tmp_path / "CMakeLists.txt").write_text(USER_PROJECT)
    (tmp_path / "other.cc").write_text(OTHER)
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / "config.h").write_text("inline int mine = 1;\n")
    run("cmake", "-S", tmp_path, "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Release")
    run("cmake", "--build", tmp_path / "build")
    check_hello(tmp_path / "build" / "hello")


def test_cmake_refuses_another_version(prefix: Path, tmp_path: Path) -> None:
    (tmp_path / "CMakeLists.txt").write_text(USER_PROJECT.replace("httpdyno 0.1", "httpdyno 0.2"))
    done = subprocess.run(
        ["cmake", "-S", tmp_path, "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={prefix}"],
        capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "not accepted" in done.stderr and "version: 0.1" in done.stderr


def test_the_library_alone_is_configured_as_documented(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "EMBEDDING.md").read_text()
    (line,) = re.findall(r"^    (cmake -S .*)$", page, re.MULTILINE)
    command = [str(tmp_path) if word == "build/library" else word for word in shlex.split(line, comments=True)]
    assert str(tmp_path) in command
    run(*command, cwd=ROOT)
    made = (tmp_path / "build.ninja").read_text()
    assert "libhttpdyno.a" in made and "inline-system" not in made


def test_pkg_config_finds_it(pkg_config_path: str, tmp_path: Path) -> None:
    flags = run("pkg-config", "--cflags", "--libs", "httpdyno", PKG_CONFIG_PATH=pkg_config_path).split()
    run("c++", HELLO, *flags, "-o", tmp_path / "hello")
    check_hello(tmp_path / "hello")
    version = run("pkg-config", "--modversion", "httpdyno", PKG_CONFIG_PATH=pkg_config_path).strip()
    cmake = (ROOT / "CMakeLists.txt").read_text()
    assert f"project(httpdyno VERSION {version} " in cmake.replace("\n", " ")


def test_headers_stay_in_their_folder(prefix: Path) -> None:
    """Nothing lies beside include/httpdyno, and no header asks for a file outside of it."""
    include = prefix / "include"
    assert [path.name for path in include.iterdir()] == ["httpdyno"]
    headers = sorted(include.rglob("*.*"))
    assert include / "httpdyno" / "httpdyno.h" in headers and len(headers) > 30
    for header in headers:
        for name in re.findall(r'^\s*#\s*include\s+"([^"]+)"', header.read_text(), re.MULTILINE):
            assert name.startswith("httpdyno/") and (include / name).is_file(), f"{header}: {name}"


def test_headers_compile_without_a_warning(prefix: Path, pkg_config_path: str, tmp_path: Path) -> None:
    headers = sorted(str(path.relative_to(prefix / "include")) for path in prefix.rglob("*.h"))
    source = tmp_path / "all.cc"
    flags = run("pkg-config", "--cflags", "httpdyno", PKG_CONFIG_PATH=pkg_config_path).split()
    # In both orders, so that none leans on what another has included.
    for order in (headers, headers[::-1]):
        source.write_text("".join(f"#include <{name}>\n" for name in order))
        run("c++", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Werror", *flags, source)


def test_the_load_generator_comes_with_its_manual_and_completion(prefix: Path) -> None:
    program = prefix / "bin" / "loadgen"
    assert run(program, "--version").startswith("loadgen ")
    assert (prefix / "share/man/man1/loadgen.1").read_text() == (ROOT / "docs" / "loadgen.1").read_text()
    assert (prefix / "share/bash-completion/completions/loadgen").read_text() == run(program, "--completion", "bash")


def test_the_example_is_short() -> None:
    assert len(HELLO.read_text().splitlines()) <= 25
