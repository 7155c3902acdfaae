"""The start of the command line: whole processes, beside a bare interpreter and `git --version`.

CPU time is given besides: it hangs less on what else the machine does than the time on the clock.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.figures import ROOT, Goal, Report
from bench.stack import local_stack

ROUNDS = 15
HELP_MS, RUNS_MS = 150, 300
CADENCE = str(Path(sys.executable).with_name("cadence"))


class Times(NamedTuple):
    """Milliseconds of one process."""

    elapsed: float
    cpu: float


def measure() -> Report:
    """The goals are those on the clock."""
    report = Report(f"Start of the command line (median of {ROUNDS} processes)")
    _add(report, "cadence --help", [CADENCE, "--help"], HELP_MS)
    with local_stack() as stack:
        run_id = stack.client.run_document((ROOT / "examples" / "hello.yaml").read_text())
        stack.finished(run_id)
        where = {"CADENCE_URL": stack.client.url, "CADENCE_TOKEN": stack.client.token}
        _add(report, "cadence runs, of a local stack", [CADENCE, "runs"], RUNS_MS, where)
        _add(report, "cadence show @last, of a local stack", [CADENCE, "show", "@last"], environment=where)
    for name, command in {
        "python -c pass": [sys.executable, "-c", "pass"],
        "git --version": ["git", "--version"],
    }.items():
        report.add(name, _median(command, {}).elapsed, "ms", peer=True)
    return report


def _add(
    report: Report, name: str, command: Sequence[str], goal: float | None = None, environment: Mapping[str, str] = {}
) -> None:
    times = _median(command, environment)
    report.add(name, times.elapsed, "ms", Goal(goal) if goal else None)
    report.add(f"{name}: CPU time", times.cpu, "ms")


def _median(command: Sequence[str], environment: Mapping[str, str]) -> Times:
    """The first process fills the bytecode and file caches and is not counted."""
    times = [_once(command, environment) for _ in range(ROUNDS + 1)][1:]
    return Times(statistics.median(one.elapsed for one in times), statistics.median(one.cpu for one in times))


def _once(command: Sequence[str], environment: Mapping[str, str]) -> Times:
    before, began = os.times(), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ | environment)
    elapsed, after = time.perf_counter() - began, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return Times(elapsed * 1000, used * 1000)
