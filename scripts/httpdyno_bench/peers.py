"""Servers of others that stand beside ours in a table: which are installed, and how each is run."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shutil
import socket
import string
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .servers import Server, listening

# Where Debian puts servers, which is not on everybody's PATH.
_SYSTEM_PROGRAMS = "/usr/sbin"
_CONFIGURATIONS = Path(__file__).resolve().parents[2] / "bench" / "peers"
_ARGUMENTS = {
    "nginx": ("-p", "${directory}", "-e", "stderr", "-c", "${directory}/nginx.conf"),
    "h2o": ("-c", "${directory}/h2o.conf"),
}
NAMES = tuple(_ARGUMENTS)


@dataclasses.dataclass(frozen=True)
class Peer:
    """One that is installed."""

    name: str
    program: str
    version: str


def installed(path: str | None = None) -> dict[str, Peer]:
    """Those that are found on a search path; by default on the user's, and where only root's leads."""
    if path is None:
        path = f"{os.environ.get('PATH', '')}:{_SYSTEM_PROGRAMS}"
    peers: dict[str, Peer] = {}
    for name in NAMES:
        program = shutil.which(name, path=path)
        if program is not None:
            peers[name] = Peer(name, program, _version(program))
    return peers


@contextlib.contextmanager
def serving_peer(peer: Peer, core: int, connections_max: int) -> Iterator[Server]:
    """It is run as configured in bench/peers/, from a folder of its own; the system's configuration is not read."""
    with tempfile.TemporaryDirectory(prefix="httpdyno-") as directory:
        port = free_port()
        with listening(peer.name, command_of(peer, port, Path(directory), connections_max), core, port) as server:
            yield server


def command_of(peer: Peer, port: int, folder: Path, connections_max: int) -> list[str]:
    """The command that runs it on a port in a folder that is its own, in which everything that it needs is written."""
    # Started by root, h2o serves as nobody.
    folder.chmod(0o755)
    (folder / "files").mkdir()
    (folder / "files" / "index.html").write_text("Hello, World!", encoding="ascii")
    words = {"directory": str(folder), "port": str(port), "connections_max": str(connections_max)}
    configuration = f"{peer.name}.conf"
    template = string.Template((_CONFIGURATIONS / configuration).read_text(encoding="utf-8"))
    (folder / configuration).write_text(template.substitute(words), encoding="utf-8")
    return [peer.program, *(string.Template(word).substitute(words) for word in _ARGUMENTS[peer.name])]


def _version(program: str) -> str:
    """Such as 1.22.1: the first number that it prints, on whichever stream."""
    done = subprocess.run([program, "-v"], capture_output=True, text=True, check=False, timeout=10)
    found = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
    return found[0] if found else "unknown"


def free_port() -> int:
    """These servers cannot be asked to choose one. Somebody else may take it meanwhile: then the start fails."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
