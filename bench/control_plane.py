"""The control plane's own time: per treatment along a chain, and over a graph beside Prefect and a plain loop.

    python -m bench control_plane [--treatments 1000]

Each treatment runs `true`, so that nearly all the time is somebody's overhead. Prefect runs in its own environment
(`bench/requirements-peers.lock`, made below `.cache/` by `make bench`), in one process, on loopback, without telemetry;
its tasks start the same command, as many at a time as the local host has slots. The plain loop is the least that any
engine can take here: the same commands in the same order, nothing else.
"""

import itertools
import time
from typing import Any

from bench.figures import Goal, Report, median, percentile
from bench.graph import Graph, chain, document, layered
from bench.peers import PEER_PYTHON, SLOTS, plain_loop, prefect
from bench.stack import Stack, local_stack, moment

CHAIN = 30
WARM_UP = 10
WIDTH = 20


def measure(treatments: int = 200) -> Report:
    report = Report(f"Control plane (local stack, warm): a chain of {CHAIN}, a graph of {treatments}")
    graph = layered(treatments, WIDTH)
    with local_stack() as stack:
        stack.finished(stack.client.run_document(document(layered(2 * WIDTH, WIDTH), "warm-up")))
        stack.finished(stack.client.run_document(document(chain(WARM_UP), "warm-up")))
        _add_chain(report, stack)
        ours = _seconds_of_graph(stack, graph)
    peer = prefect(graph)
    _add_graph(report, graph, ours, peer, plain_loop(graph))
    return report


def _add_chain(report: Report, stack: Stack) -> None:
    run_id = stack.client.run_document(document(chain(CHAIN), "chain"))
    stack.finished(run_id)
    views = [stack.client.treatment(run_id, name) for name in chain(CHAIN)]
    steps = {
        "ready → runner asked for": [_between(view, "ready_at", view["runners"][-1], "created_at") for view in views],
        "settled → follower ready": _pairs(views, "finished_at", "ready_at"),
        "settled → follower's runner asked for": [
            _between(one, "finished_at", follower["runners"][-1], "created_at")
            for one, follower in itertools.pairwise(views)
        ],
        "runner asked for → claimed by its agent": [
            _between(view["runners"][-1], "created_at", view["runners"][-1], "claimed_at") for view in views
        ],
        "hand-over: settled → follower running": _pairs(views, "finished_at", "started_at"),
        "whole step: running → follower running": _pairs(views, "started_at", "started_at"),
    }
    for name, times in steps.items():
        goal = Goal(25) if name.startswith("ready") else None
        report.add(f"{name}, median", median(times), "ms", goal)
        report.add(f"{name}, p95", percentile(times, 95), "ms")


def _pairs(views: list[dict[str, Any]], begin: str, end: str) -> list[float]:
    """Milliseconds from a moment of each to a moment of its follower."""
    return [_between(one, begin, follower, end) for one, follower in itertools.pairwise(views)]


def _between(one: dict[str, Any], begin: str, other: dict[str, Any], end: str) -> float:
    return (moment(other[end]) - moment(one[begin])) * 1000


def _seconds_of_graph(stack: Stack, graph: Graph) -> float:
    """From the request to start until the run has ended; looked at rarely, since looking takes from the same CPUs."""
    began = time.time()
    run_id = stack.client.run_document(document(graph, "graph"))
    run = stack.finished(run_id, look_every=2)
    return moment(run["finished_at"]) - began


def _add_graph(report: Report, graph: Graph, ours: float, peer: float | None, least: float) -> None:
    count = len(graph)
    report.add(f"graph of {count}, all of it", ours, "s")
    report.add("  for each treatment", ours / count * 1000, "ms")
    if peer is None:
        report.notes.append(f"Prefect is not installed in {PEER_PYTHON.parents[1]}: no peer; `make bench` installs it")
    else:
        report.add("the same graph in Prefect", peer, "s", peer=True)
        report.add("  for each treatment", peer / count * 1000, "ms", peer=True)
        report.add("time beyond Prefect's", (ours / peer - 1) * 100, "%", Goal(10))
    report.add("plain Python loop over the same commands", least, "s", peer=True)
    report.add("  for each treatment", least / count * 1000, "ms", peer=True)
    report.notes.append(
        f"{SLOTS} commands at a time for all three. Cadence's time includes an agent process for each treatment, with its "
        "own working directory, log and heartbeat, and state that outlives a crash; the peers start a bare command."
    )
