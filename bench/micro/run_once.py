#!/usr/bin/python3
"""Runs every micro benchmark for a moment and fails when one reports an error: each checks its own answer."""

from __future__ import annotations

import json
import subprocess
import sys


def main(program: str) -> int:
    done = subprocess.run(
        [program, "--benchmark_min_time=0.001", "--benchmark_format=json"], capture_output=True, text=True, timeout=100)
    if done.returncode != 0:
        print(f"{program} ended with {done.returncode}: {done.stderr.strip()}", file=sys.stderr)
        return 1
    rows = json.loads(done.stdout)["benchmarks"]
    wrong = [f"{row['name']}: {row['error_message']}" for row in rows if row.get("error_occurred")]
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"{len(rows) - len(wrong)} passed, {len(wrong)} failed")
    return 1 if wrong or not rows else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
