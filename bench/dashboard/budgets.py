"""The budgets of the page itself: a browser over answers of a run of 10,000 treatments and a log of 10 million lines.

Sizes are held by `make check`, counts of elements and rows by the tests in `dashboard/tests/pages`; seconds are only
measured here, since they belong to the machine.
"""

import json
import subprocess
import sys
from pathlib import Path

from bench.figures import ROOT, Goal, Report
from infra.dashboard_page import page

_BUDGETS = ROOT / "dashboard" / "scripts" / "budgets.mjs"
_CALIBRATION = (
    ("empty", "moving an empty page", "frames/s"),
    ("computing", "a million numbers sorted in the browser", "ms"),
)
_FIGURES = (
    ("paint", "largest paint of the list of runs, warm", "ms", Goal(800)),
    ("interaction", "slowest key or click: lists", "ms", Goal(100)),
    ("graph", "10,000 treatments readable after the answer", "ms", Goal(1_500)),
    ("state", "a state of one of 10,000 on screen after its message", "ms", Goal(100)),
    ("panned", "moving the graph of 10,000", "frames/s", Goal(55, at_least=True)),
    ("many", "slowest key or click: 10,000 treatments", "ms", Goal(100)),
    ("elements", "elements of the page of 10,000 treatments", "", None),
    ("end", "the end of 10 million lines", "ms", Goal(500)),
    ("any", "any line of 10 million", "ms", Goal(300)),
    ("scrolled", "scrolling 10 million lines, a frame, p95", "ms", Goal(20)),
    ("lines", "slowest key or click: 10 million lines", "ms", Goal(100)),
    ("rows", "rows of the log at most", "", Goal(200)),
    ("heap", "heap with 10 million lines", "MB", Goal(150)),
    ("stalled", "5,000 lines a second: the longest frame", "ms", Goal(100)),
    ("late", "5,000 lines a second: written → on screen, p50", "ms", Goal(400)),
)


def add_budgets(report: Report, chromium: str) -> None:
    """Adds the figures. Raises RuntimeError if the page could not be built or looked at."""
    built = page(retry=True)
    if not (built / "index.html").is_file():
        raise RuntimeError(f"The page could not be built: {(built / 'missing.txt').read_text()}")
    command = [str(Path(sys.executable).with_name("node")), str(_BUDGETS), chromium, str(built)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, timeout=600)
    if done.returncode:
        raise RuntimeError("The browser did not show the page; its message is above.")
    found = json.loads(done.stdout)
    for key, name, unit in _CALIBRATION:
        report.add(name, found[key], unit, peer=True)
    for key, name, unit, goal in _FIGURES:
        report.add(name, found[key], unit, goal)
