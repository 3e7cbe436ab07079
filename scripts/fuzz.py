#!/usr/bin/python3
"""Runs the fuzz targets for a time, two at once, and prints one line for each.

Inputs that reach something new are kept beside the build and used again by the next run; the committed corpus is read
and never written. Exit: 0 nothing found, 1 a finding (its line says how to repeat it), 2 cannot run.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGETS = ("request", "response", "chunked", "connection", "scan", "hlog")
# One input may take so long, and one target so much memory, before that is a finding.
INPUT_SECONDS_MAX = 10
MEMORY_MB_MAX = 2048


@dataclass
class Outcome:
    target: str
    executions: int
    coverage: int  # edges of the code that some input has reached
    features: int  # the same with how often, and with values compared
    findings: list[Path]
    exit_code: int
    log: Path

    @property
    def failed(self) -> bool:
        return self.exit_code != 0


def shown(path: Path) -> str:
    """As it is typed from the repository's root."""
    return os.path.relpath(path, ROOT)


def last_number(pattern: str, text: str) -> int:
    found = re.findall(pattern, text)
    return int(found[-1]) if found else 0


def fuzz(target: str, seconds: int, build: Path, corpus: Path) -> Outcome:
    work = build / "fuzzing" / target
    found = work / "findings"
    grown = work / "corpus"
    for place in (found, grown):
        place.mkdir(parents=True, exist_ok=True)
    earlier = set(found.iterdir())
    log = work / "log"
    command = [
        str(build / "bin" / f"fuzz_{target}"), f"-max_total_time={seconds}", "-print_final_stats=1",
        f"-dict={ROOT / 'tests/fuzz/http.dict'}", f"-artifact_prefix={found}/", f"-timeout={INPUT_SECONDS_MAX}",
        f"-rss_limit_mb={MEMORY_MB_MAX}", str(grown), str(corpus / target),
    ]
    with log.open("w") as output:
        done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    text = log.read_text(errors="replace")
    return Outcome(
        target=target,
        executions=last_number(r"stat::number_of_executed_units:\s*(\d+)", text),
        coverage=last_number(r"\bcov: (\d+)", text),
        features=last_number(r"\bft: (\d+)", text),
        findings=sorted(set(found.iterdir()) - earlier),
        exit_code=done.returncode,
        log=log,
    )


def line(outcome: Outcome, build: Path) -> str:
    text = (f"{outcome.target:<10} {outcome.executions:>10} executions  coverage {outcome.coverage:>5}  "
            f"features {outcome.features:>6}  findings {len(outcome.findings)}")
    for finding in outcome.findings:
        text += f"\n  repeat: {shown(build / 'bin' / f'fuzz_{outcome.target}')} {shown(finding)}"
    if outcome.failed:
        text += f"\n  exit code {outcome.exit_code}; log: {shown(outcome.log)}"
    return text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; all when none is named")
    parser.add_argument("--seconds", type=int, default=60, help="how long each target runs (default: 60)")
    parser.add_argument("--jobs", type=int, default=2, help="how many targets run at a time (default: 2)")
    parser.add_argument("--build-dir", type=Path, default=ROOT / "build/fuzz", help="where the targets were built")
    parser.add_argument("--corpus", type=Path, default=ROOT / "tests/fuzz/corpus", help="a folder for each target")
    arguments = parser.parse_args()
    targets = arguments.targets or list(TARGETS)
    build = arguments.build_dir.resolve()
    if arguments.seconds < 1 or arguments.jobs < 1:
        parser.error("--seconds and --jobs are at least 1")
    for target in targets:
        if target not in TARGETS:
            parser.error(f"no target '{target}'; there are {', '.join(TARGETS)}")
        if not (build / "bin" / f"fuzz_{target}").exists():
            print(f"fuzz.py: {shown(build)}/bin/fuzz_{target} is not built: make fuzz builds it", file=sys.stderr)
            return 2

    failed = False
    with ThreadPoolExecutor(arguments.jobs) as pool:
        runs = [pool.submit(fuzz, target, arguments.seconds, build, arguments.corpus.resolve()) for target in targets]
        for run in runs:
            outcome = run.result()
            print(line(outcome, build), flush=True)
            failed = failed or outcome.failed
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
