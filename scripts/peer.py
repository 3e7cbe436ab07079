#!/usr/bin/python3
"""Becomes a server of others (nginx, h2o) as bench/peers configures it, in the foreground: for scripts/gate.py, such as

  scripts/gate.py --base-cmd 'scripts/peer.py nginx --port {port} --directory {directory}' --head-cmd ...

Exit code: that of the server, or 2 where it is not installed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from httpdyno_bench import peers
from httpdyno_bench.command_line import Parser, exit_code_of
from httpdyno_bench.errors import UsageError


def main() -> int:
    parser = Parser("scripts/peer.py", __doc__)
    parser.add_argument("name", choices=peers.NAMES)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--directory", type=Path, required=True, help="an empty one, for its configuration")
    parser.add_argument("--connections-max", type=int, default=4096)
    options = parser.parse_args()
    peer = peers.installed().get(options.name)
    if peer is None:
        raise UsageError(f"{options.name} is not installed: run scripts/setup --peers")
    command = peers.command_of(peer, options.port, options.directory, options.connections_max)
    os.execv(command[0], command)


if __name__ == "__main__":
    sys.exit(exit_code_of("scripts/peer.py", main))
