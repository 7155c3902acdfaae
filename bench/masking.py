"""Lines that the agent redacts although no secret is in them: ``python -m bench.masking FOLDER``.

``FOLDER`` has log files (`*.log`), such as the 16 families of https://github.com/logpai/loghub. Each file meets 25 of
two hundred secrets, one of each format in use: more than a treatment has.
"""

import argparse
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from runner_bootstrap.agent.logs.masking import Masker
from tests.unit.agent.seeded_secrets import secrets

GOAL = 0.01
"""Per cent of all lines."""

_AT_ONCE = 25


def wrongly_redacted(lines: Iterable[str], hidden: list[str]) -> list[str]:
    """Returns the lines that are changed and have none of the secrets in them."""
    masker = Masker(hidden)
    parts = [line for secret in hidden for line in secret.split("\n") if line.strip()]
    return [line for line in lines if masker.mask(line) != line and not any(part in line for part in parts)]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.masking", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=14)
    options = parser.parse_args()
    files = sorted(options.folder.rglob("*.log"))
    if not files:
        parser.error(f"there is no file *.log in {options.folder}")
    hidden = secrets(seed=options.seed)
    total = wrong = 0
    began = time.process_time()
    for number, file in enumerate(files):
        first = number * _AT_ONCE % len(hidden)
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        found = wrongly_redacted(lines, hidden[first : first + _AT_ONCE])
        total, wrong = total + len(lines), wrong + len(found)
        print(f"{file.name}: {len(found)} of {len(lines):,} lines", flush=True)
        for line in found[:5]:
            print(f"    {line[:160]}")
    share = 100 * wrong / total
    seconds = time.process_time() - began
    print(f"{wrong} of {total:,} lines are wrongly redacted: {share:.4f} % (goal: at most {GOAL} %)")
    print(f"{total / seconds:,.0f} lines/s of processor time with {_AT_ONCE} secrets")
    return 0 if share <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
