"""Line written → found by a search: through agent, gateway, Kinesis, indexer and the API of a warm local stack.

A treatment prints a numbered line every 50 ms while somebody follows its log. A line's own time is when its agent read
it;
it counts as found with the first answer of the API that has it. Searches follow one another without a pause, and each
asks for all newest lines, so the time between two of them is part of the figures.
"""

import threading
import time
from collections.abc import Mapping
from typing import Any

from bench.figures import Goal, Report, median, percentile
from bench.stack import Stack, local_stack, moment, until

LINES = 600
WARM_UP = 60
EVERY = 0.05
DOCUMENT = """
cadence: 1
name: prints
treatments:
  prints: {run: "i=0; while [ $i -lt %d ]; do i=$((i + 1)); echo tick$i is printed; sleep %s; done"}
"""


def measure() -> Report:
    report = Report(f"Line written → searchable (local stack, {LINES} lines, one every {1000 * EVERY:.0f} ms)")
    with local_stack() as stack:
        _round(stack, WARM_UP, followed=True)
        _add(report, "while its log is followed", *_round(stack, LINES, followed=True), goal=Goal(1000))
        _add(report, "while nobody follows", *_round(stack, LINES, followed=False), goal=None)
    report.notes.append(
        "while nobody follows, the agent keeps lines for a tenth of the treatment's age, from 0.2 to 10 s, so that the "
        "log costs less; searching is no following, `cadence search -f` is"
    )
    return report


def _add(report: Report, name: str, found: list[float], read: list[float], searches: float, goal: Goal | None) -> None:
    report.add(f"found by a search, {name}, p50", median(found), "ms")
    report.add(f"found by a search, {name}, p99", percentile(found, 99), "ms", goal)
    if read:
        report.add("  in the followed log, p50", median(read), "ms")
        report.add("  in the followed log, p99", percentile(read, 99), "ms")
    report.add("  from one search to the next", searches, "ms")


def _round(stack: Stack, lines: int, *, followed: bool) -> tuple[list[float], list[float], float]:
    """Milliseconds from each line's time until it was found, and until the log had it; and the mean time of
    a search.
    """
    run_id = stack.client.run_document(DOCUMENT % (lines, EVERY))
    read: dict[int, float] = {}
    follower = threading.Thread(target=_follow, args=(stack, run_id, lines, read))
    if followed:
        follower.start()
    found: dict[int, float] = {}
    searches = 0
    began = time.monotonic()

    def searched() -> bool | None:
        nonlocal searches
        searches += 1
        answer = stack.client.search_logs(f"run:{run_id} printed", limit=200)
        _note(found, answer["lines"])
        return len(found) >= lines or None

    until(searched, 0)
    taken = time.monotonic() - began
    stack.finished(run_id)
    if followed:
        follower.join()
    return list(found.values()), list(read.values()), 1000 * taken / searches


def _follow(stack: Stack, run_id: str, lines: int, read: dict[int, float]) -> None:
    after = None
    while len(read) < lines:
        answer = stack.client.logs(run_id, after=after, wait=2)
        after = answer["after"]
        _note(read, answer["lines"])


def _note(seen: dict[int, float], lines: list[Mapping[str, Any]]) -> None:
    """Milliseconds from each new line's time until now, by the number in it."""
    now = time.time()
    for line in lines:
        number = int(line["text"].removeprefix("tick").partition(" ")[0])
        seen.setdefault(number, (now - moment(line["time"])) * 1000)
