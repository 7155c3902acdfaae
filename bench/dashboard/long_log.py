"""A real log of millions of lines on the local stack, looked at in a browser: its end, and any of its lines."""

import json
import subprocess
import sys
import time
from pathlib import Path

from bench.figures import ROOT, Goal, Report
from bench.log_flood import flood_document, lines_of
from bench.stack import LONGEST_SECONDS, Stack, until
from cadence.cli.access.open_dashboard import sign_in_link

_LOOK = ROOT / "dashboard" / "scripts" / "long_log.mjs"


def add_long_log(report: Report, stack: Stack, chromium: str, flood: int) -> None:
    """Adds the figures of a log of `flood` lines. Raises RuntimeError if the browser does not show it."""
    began = time.monotonic()
    run_id = stack.client.run_document(flood_document(flood))
    stack.finished(run_id, look_every=1, longest=4 * LONGEST_SECONDS)
    until(lambda: lines_of(stack, run_id) > flood or None, 1, 4 * LONGEST_SECONDS)
    report.notes.append(f"a log of {flood:,} lines was complete after {time.monotonic() - began:.0f} s")
    node = Path(sys.executable).with_name("node")
    command = [str(node), str(_LOOK), chromium, sign_in_link(stack.client, run_id), str(flood + 1)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, timeout=600)
    if done.returncode:
        raise RuntimeError("The browser did not show the log; its message is above.")
    found = json.loads(done.stdout)
    report.add(f"a real log of {flood:,} lines: page open → its first lines", found["open"], "ms")
    report.add("  its end", found["end"], "ms", Goal(500))
    report.add("  any line, p50 of nine", found["any"][4], "ms", Goal(300))
    report.add("  any line, the slowest", found["any"][-1], "ms")
    report.add("  heap", found["heap"], "MB", Goal(150))
