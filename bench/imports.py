"""Import time of every Lambda beyond the bare interpreter, beside `import boto3` alone, in one run.

Usage: python bench/imports.py [--json] [--rounds N]
Goal: 150 ms for each Lambda (provider SDKs aside).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

FUNCTIONS = Path(__file__).resolve().parent.parent / "functions"
GOAL_MS = 150


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    bare = _median_ms("pass", options.rounds)
    peer = _median_ms("import boto3", options.rounds) - bare
    lambdas = sorted(path.parent.name for path in FUNCTIONS.glob("*/handler.py"))
    times = {name: _median_ms(f"import {name}.handler", options.rounds) - bare for name in lambdas}
    if options.json:
        print(json.dumps({"interpreter_ms": bare, "boto3_ms": peer, "lambdas_ms": times, "goal_ms": GOAL_MS}))
        return
    print(f"bare interpreter {bare:.0f} ms; beyond it, median of {options.rounds}:")
    print(f"  {'import boto3 (peer)':24}{peer:6.0f} ms")
    for name, milliseconds in sorted(times.items(), key=lambda item: item[1]):
        verdict = "" if milliseconds <= GOAL_MS else f"  over the goal of {GOAL_MS} ms"
        print(f"  {name:24}{milliseconds:6.0f} ms  ({milliseconds / peer:.2f} × boto3){verdict}")


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
    from cadence.composition import settings

    names = {
        variable: "http://127.0.0.1:9/none" if variable.endswith("URL") else "none"
        for its in settings.SETTINGS.values()
        for variable in settings.environment(its, _Anything())
    }
    return (
        os.environ
        | names
        | {"PYTHONPATH": str(FUNCTIONS), "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1"}
    )


class _Anything(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "none"


if __name__ == "__main__":
    main()
