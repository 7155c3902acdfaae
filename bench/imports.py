"""Import time of every Lambda beyond the bare interpreter, beside `import boto3` alone, in one run.

The goal is 150 ms for each Lambda (provider SDKs aside).
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.figures import Goal, Report

FUNCTIONS = Path(__file__).resolve().parent.parent / "functions"
GOAL_MS = 150
PEER = "import boto3"


def measure(rounds: int = 5) -> Report:
    """The median of some rounds for each Lambda."""
    report = Report(f"Import of each Lambda beyond the bare interpreter (median of {rounds})")
    times = import_times(sorted(path.parent.name for path in FUNCTIONS.glob("*/handler.py")), rounds)
    peer = times.pop(PEER)
    for name, milliseconds in sorted(times.items(), key=lambda item: item[1]):
        report.add(name, milliseconds, "ms", Goal(GOAL_MS))
    report.add(PEER, peer, "ms", peer=True)
    return report


def import_times(folders: Sequence[str], rounds: int = 5) -> dict[str, float]:
    """Milliseconds beyond the bare interpreter, by Lambda, and those of the peer."""
    bare = _median_ms("pass", rounds)
    statements = {**{name: f"import {name}.handler" for name in folders}, PEER: PEER}
    return {name: _median_ms(statement, rounds) - bare for name, statement in statements.items()}


def _median_ms(statement: str, rounds: int) -> float:
    """The first round fills the bytecode and file caches and is not counted."""
    return statistics.median([_once_ms(statement) for _ in range(rounds + 1)][1:])


def _once_ms(statement: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True, env=_environment())
    return (time.perf_counter() - began) * 1000


def _environment() -> dict[str, str]:
    """What a Lambda would find, with names that lead nowhere: importing a handler makes no call."""
    sys.path.insert(0, str(FUNCTIONS))
    from cadence.composition.shared import settings
    from infra.lambdas import LAMBDAS

    names = {
        variable: "http://127.0.0.1:9/none" if variable.endswith("URL") else "none"
        for row in LAMBDAS.values()
        for variable in settings.environment(row.settings, _Anything())
    }
    return (
        os.environ
        | names
        | {"PYTHONPATH": str(FUNCTIONS), "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1"}
    )


class _Anything(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "none"
