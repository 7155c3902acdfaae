"""Graphs of real workflows: WfCommons' recipes, imported as pipelines and run beside Prefect and a plain loop.

    python -m bench workflows [--treatments 100]

WfCommons learnt its recipes from traces of scientific workflows. Every task runs, reads its inputs and writes its
outputs,
but takes no time and writes no bytes (`cadence import --time-scale 0 --size-scale 0`), so that nearly all the time is
overhead. From the treatments' times it is checked that nothing started before all it depends on had ended.
"""

import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.figures import Report
from bench.graph import Graph, document, layered
from bench.peers import PEER_PYTHON, SLOTS, plain_loop, prefect
from bench.stack import Stack, local_stack, moment
from cadence.domain.pipelines.document import validate
from cadence.importing import Scales, SourceFormat, convert

RECIPES = ("Montage", "Epigenomics", "Blast", "Genome")
WARM_UP = 40
_SEED = 1
_SECONDS = 120


def measure(treatments: int = 100) -> Report:
    report = Report(f"Workflows of WfCommons, about {treatments} tasks each (local stack, warm, tasks that do nothing)")
    if not PEER_PYTHON.exists():
        report.notes.append(f"WfCommons is not installed in {PEER_PYTHON.parents[1]}; `make bench` installs it")
        return report
    documents = {recipe: imported(recipe, treatments) for recipe in RECIPES}
    with local_stack() as stack:
        stack.finished(stack.client.run_document(document(layered(WARM_UP, 20), "warm-up")))
        ours = {recipe: _seconds(stack, text) for recipe, text in documents.items()}
    for recipe, text in documents.items():
        _add(report, recipe, graph_of(text), ours[recipe])
    report.notes.append(
        f"{SLOTS} commands at a time for all; the order of every pair of dependent treatments was checked. Cadence also moves "
        "every file of the workflow as a stream between runners; the peers only keep the order and start `true`."
    )
    return report


def imported(recipe: str, tasks: int) -> str:
    """A workflow of the recipe as a pipeline document."""
    made = subprocess.run(
        [PEER_PYTHON, Path(__file__).with_name("wfcommons_peer.py"), recipe, str(tasks), str(_SEED)],
        stdout=subprocess.PIPE, text=True, timeout=_SECONDS, check=True,
    )  # fmt: skip
    result = convert(made.stdout, SourceFormat.WFCOMMONS, Scales(time=0, size=0, resources=False))
    if not result.valid:
        raise RuntimeError(f"{recipe}: the imported document is not valid: {result.findings[:3]}")
    return result.document


def graph_of(text: str) -> Graph:
    """The document's treatments and those each waits for, in an order in which they could run."""
    pipeline = validate(text, "yaml").pipeline
    assert pipeline is not None
    waiting = {name: set(treatment.after) for name, treatment in pipeline.treatments.items()}
    for connection in pipeline.connections:
        waiting[connection.target_treatment].add(connection.source_treatment)
    graph: dict[str, list[str]] = {}
    while waiting:
        ready = [name for name, after in waiting.items() if after <= graph.keys()]
        for name in ready:
            graph[name] = sorted(waiting.pop(name))
    return graph


def out_of_order(graph: Graph, views: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
    """Treatments that started before one they depend on had ended, by their times."""
    return [
        f"{name} started before {before} ended"
        for name, after in graph.items()
        for before in after
        if moment(views[name]["started_at"]) < moment(views[before]["finished_at"])
    ]


def _seconds(stack: Stack, text: str) -> float:
    graph = graph_of(text)
    began = time.time()
    run_id = stack.client.run_document(text)
    run = stack.finished(run_id, look_every=2)
    wrong = out_of_order(graph, {treatment["name"]: treatment for treatment in run["treatments"]})
    if wrong:
        raise RuntimeError(f"{len(wrong)} treatments ran out of order: {wrong[:3]}")
    return moment(run["finished_at"]) - began


def _add(report: Report, recipe: str, graph: Graph, ours: float) -> None:
    count, edges = len(graph), sum(map(len, graph.values()))
    report.add(f"{recipe}: {count} treatments, {edges} dependencies", ours, "s")
    report.add("  for each treatment", ours / count * 1000, "ms")
    peer = prefect(graph)
    if peer is not None:
        report.add("  the same graph in Prefect", peer, "s", peer=True)
        report.add("    for each treatment", peer / count * 1000, "ms", peer=True)
    least = plain_loop(graph)
    report.add("  plain Python loop", least, "s", peer=True)
