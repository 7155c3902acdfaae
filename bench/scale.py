"""Size: one document of ten thousand treatments, a fan of two thousand, and a thousand runs started at once.

    python -m bench scale [--treatments 10000] [--runs 1000] [--fan 2000]

A fan is one treatment, matrices that follow it, and a treatment that follows all instances. All are checked,
not only timed: every treatment ran exactly once and after all that it follows; every run that was accepted succeeded.
In which order runs began is told: those that need not wait for a place begin side by side.
"""

import itertools
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench.figures import Report, cpu_seconds, percentile
from bench.graph import Graph, document, fanned, layered
from bench.peers import SLOTS, plain_loop
from bench.stack import Stack, local_stack, moment

WIDTH = 100
CALLERS = 8
FIFTHS = 5
LOOK_EVERY = 20.0
LONGEST = 7_200.0


def measure(treatments: int = 10_000, runs: int = 1_000, fan: int = 2_000) -> Report:
    report = Report(
        f"Size (local stack, warm): a document of {treatments:,} treatments; a fan of {fan:,}; {runs:,} runs at once"
    )
    with local_stack() as stack:
        stack.finished(stack.client.run_document(document(layered(40, 20), "warm-up")))
        if treatments:
            _measure_document(report, stack, layered(treatments, WIDTH))
        if fan:
            _measure_fan(report, stack, fan)
        if runs:
            _measure_runs(report, stack, runs)
    return report


def _measure_document(report: Report, stack: Stack, graph: Graph) -> None:
    began = time.time()
    run_id = stack.client.run_document(document(graph, "large"))
    accepted = time.time()
    run = stack.finished(run_id, LOOK_EVERY, LONGEST)
    views = {view["name"]: view for view in run["treatments"]}
    check_treatments(graph, views)
    starts = sorted(moment(view["started_at"]) for view in views.values())
    ends = sorted(moment(view["finished_at"]) for view in views.values())
    report.add(f"document of {len(graph):,}: request → accepted", accepted - began, "s")
    report.add("  accepted → first treatment runs", starts[0] - accepted, "s")
    report.add("  request → run ended", ends[-1] - began, "s")
    report.add("  for each treatment", (ends[-1] - began) / len(graph) * 1000, "ms")
    for number, (first, last) in enumerate(itertools.pairwise(_cuts(ends)), 1):
        report.add(f"  treatments ended in a second, fifth {number}", len(graph) / FIFTHS / (last - first), "/s")
    least = plain_loop(graph)
    report.add("plain Python loop over the same commands", least, "s", peer=True)


def _measure_fan(report: Report, stack: Stack, width: int) -> None:
    run_id = stack.client.run_document(fanned(width))
    views = {view["name"]: view for view in stack.finished(run_id, LOOK_EVERY, LONGEST)["treatments"]}
    groups = [name for name in views if name.startswith("between") and ":" not in name]
    between = [name for name in views if ":" in name]
    if len(between) != width:
        raise RuntimeError(f"{width} instances were asked for, {len(between)} are in the run")
    check_treatments(
        {"first": [], **{name: ["first"] for name in between}, **{name: [] for name in groups}, "last": between}, views
    )
    opened = moment(views["first"]["finished_at"])
    starts = sorted(moment(views[name]["started_at"]) for name in between)
    ends = sorted(moment(views[name]["finished_at"]) for name in between)
    report.add(f"fan of {width:,}: the first ended → one of them runs", starts[0] - opened, "s")
    report.add("  → all have begun", starts[-1] - opened, "s")
    for number, (first, last) in enumerate(itertools.pairwise(_cuts(ends)), 1):
        report.add(f"  ended in a second, fifth {number}", width / FIFTHS / (last - first), "/s")
    free = [start - end for start, end in zip(starts[SLOTS:], ends, strict=False)]
    for share in (50, 95, 99):
        report.add(f"  a slot is free → the next one runs, p{share}", percentile(free, share) * 1000, "ms")
    report.add("  all ended → the last runs", moment(views["last"]["started_at"]) - ends[-1], "s")


def check_treatments(graph: Graph, views: Mapping[str, Mapping[str, Any]]) -> None:
    """Raises RuntimeError unless each of the graph's treatments succeeded in its first attempt, after all that it
    follows.
    """
    if views.keys() != graph.keys():
        raise RuntimeError(f"{len(graph)} treatments were asked for, {len(views)} are in the run")
    for name, after in graph.items():
        view = views[name]
        if view["state"] != "succeeded" or view["attempt"] != 1:
            raise RuntimeError(f"{name} is {view['state']} in attempt {view['attempt']}")
        early = [other for other in after if moment(view["started_at"]) < moment(views[other]["finished_at"])]
        if early:
            raise RuntimeError(f"{name} began before {early} had ended")


def _cuts(ends: Sequence[float]) -> list[float]:
    """When no, one, two … all fifths of the treatments had ended."""
    size = len(ends) // FIFTHS
    return [ends[0], *(ends[size * fifth - 1] for fifth in range(1, FIFTHS + 1))]


def _measure_runs(report: Report, stack: Stack, count: int) -> None:
    one = document({"only": []}, "one-of-many")
    server, began = stack.pid_of("ministack"), time.time()
    spent = [cpu_seconds(server)]
    with ThreadPoolExecutor(CALLERS) as callers:
        run_ids = list(callers.map(lambda _: stack.client.run_document(one), range(count)))
    accepted = time.time()
    spent.append(cpu_seconds(server))
    runs = [stack.finished(run_id, LOOK_EVERY, LONGEST) for run_id in run_ids]
    ended = max(moment(run["finished_at"]) for run in runs)
    if len(set(run_ids)) != count:
        raise RuntimeError(f"{count} runs were asked for, {len(set(run_ids))} were started")
    report.add(f"{count:,} runs asked for by {CALLERS} callers at a time", accepted - began, "s")
    report.add("  runs accepted in a second", count / (accepted - began), "/s")
    report.add("  CPU of MiniStack for each run, until it was accepted", (spent[1] - spent[0]) / count * 1000, "ms")
    report.add("  … until it had ended", (cpu_seconds(server) - spent[0]) / count * 1000, "ms")
    report.add("  all asked for → all ended", ended - accepted, "s")
    report.add("  runs ended in a second", count / (ended - began), "/s")
    report.add("  pairs that began in another order than they came", out_of_order(runs), "")


def out_of_order(runs: Sequence[Mapping[str, Any]]) -> int:
    """How many runs began before one that had been accepted earlier (ids are in the order of acceptance)."""
    begun = [moment(run["started_at"]) for run in sorted(runs, key=lambda run: str(run["run_id"]))]
    return sum(later < earlier for earlier, later in itertools.pairwise(begun))
