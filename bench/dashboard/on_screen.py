"""Written → on screen: log lines and states of a run, in a real browser that looks at the run's page of a local stack.

A line's own time is when its agent read it; a treatment's is when the control plane stored its end. Both count as on
screen with the first frame that has them. The page's own budgets are measured before, over recorded answers, and a long
log of the stack after.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.dashboard.budgets import add_budgets
from bench.dashboard.long_log import add_long_log
from bench.figures import ROOT, Goal, Report, median, percentile
from bench.stack import Stack, local_stack, moment
from cadence.cli.access.open_dashboard import sign_in_link

LINES = 300
EVERY = 0.05
TREATMENTS = 30
_WATCH = ROOT / "dashboard" / "scripts" / "watch.mjs"
_PRINTS = """
cadence: 1
name: prints
treatments:
  prints: {run: "i=0; while [ $i -lt %d ]; do i=$((i + 1)); echo tick$i; sleep %s; done"}
"""


def measure(flood: int = 3_000_000) -> Report:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None or not (ROOT / "dashboard" / "node_modules" / "playwright-core").is_dir():
        raise RuntimeError("This needs chromium, and the dashboard's tools, which `make check` installs.")
    report = Report(f"Dashboard (on screen: local stack, {LINES} lines, one every {1000 * EVERY:.0f} ms)")
    add_budgets(report, chromium)
    with local_stack() as stack:
        _watched(stack, _PRINTS % (40, EVERY), chromium)  # everything that is used is warm then
        _, seen, run_id = _watched(stack, _PRINTS % (LINES, EVERY), chromium)
        written = {line["text"]: moment(line["time"]) for line in stack.client.all_logs(run_id)}
        _add(report, "a log line", _delays(written, seen["lines"]), Goal(400))
        run, seen, _ = _watched(stack, _chain(TREATMENTS), chromium)
        ended = {one["name"]: moment(one["finished_at"]) for one in run["treatments"]}
        _add(report, "the end of a treatment", _delays(ended, seen["ends"]), Goal(400))
        add_long_log(report, stack, chromium, flood)
    return report


def _chain(length: int) -> str:
    treatments = ["  t0: {run: 'sleep 0.2'}"]
    treatments += [f"  t{number}: {{run: 'sleep 0.2', after: [t{number - 1}]}}" for number in range(1, length)]
    return "cadence: 1\nname: chain\ntreatments:\n" + "\n".join(treatments) + "\n"


def _watched(stack: Stack, document: str, chromium: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    """The run, and when what was on the screen: milliseconds since 1970 by the line's text, and by the treatment."""
    node = Path(sys.executable).with_name("node")
    command = [str(node), str(_WATCH), chromium, sign_in_link(stack.client)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as browser:
        assert browser.stdin is not None
        assert browser.stdout is not None
        if browser.stdout.readline() != "ready\n":
            raise RuntimeError("The browser did not open the dashboard; its message is above.")
        run_id = stack.client.run_document(document)
        seen, _ = browser.communicate(f"{run_id}\n", timeout=600)
    if browser.returncode:
        raise RuntimeError("The browser did not show the run to its end; its message is above.")
    return stack.finished(run_id), json.loads(seen), run_id


def _delays(written: dict[str, float], seen: dict[str, float]) -> list[float]:
    """Milliseconds between both, of what was written while the page was open."""
    first = min(seen.values())
    return [seen[name] - 1000 * at for name, at in written.items() if name in seen and 1000 * at > first]


def _add(report: Report, what: str, delays: list[float], goal: Goal) -> None:
    report.add(f"{what} on screen, p50", median(delays), "ms", goal)
    report.add(f"{what} on screen, p99", percentile(delays, 99), "ms")
    report.notes.append(f"{what}: {len(delays)} were written while the page was open")
