"""How the scripts end, whatever happens: with one line on stderr and the exit code of what it was."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from . import processes
from .errors import BenchError, Interrupted, RunError, UsageError


class Parser(argparse.ArgumentParser):
    """Of a script whose description is its docstring."""

    def __init__(self, prog: str, description: str | None = None) -> None:
        super().__init__(prog=prog, description=description, formatter_class=argparse.RawDescriptionHelpFormatter)

    def error(self, message: str) -> NoReturn:
        """One line and code 2, as for every other error."""
        raise UsageError(f"{message} (see --help)")


def exit_code_of(script: str, run: Callable[[], int]) -> int:
    """Runs it. No process that it started is left at the end."""
    try:
        return run()
    except BenchError as error:
        print(f"{script}: {error}", file=sys.stderr)
        return error.exit_code
    except Interrupted as interruption:
        print(f"{script}: {interruption}: {interruption.consequence}", file=sys.stderr)
        return interruption.exit_code
    except OSError as error:
        # What no closer place has named.
        print(f"{script}: {said(error)}", file=sys.stderr)
        return RunError.exit_code
    finally:
        processes.kill_all()


def said(error: Exception) -> str:
    if not isinstance(error, OSError):
        return str(error)
    return (error.strerror or str(error)) + (f": {Path(str(error.filename)).name}" if error.filename else "")
