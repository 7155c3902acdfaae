"""The treatments and runs of a trace as run events of OpenLineage (https://openlineage.io/spec/2-0-2/OpenLineage.json).

A treatment is a job named `pipeline.treatment`, and each time it ran is a run whose parent is the run of the pipeline.
What went through a port is a dataset named `pipeline/treatment.port`, in the version that its digest says.
"""

import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.provenance.graph import Graph, LinkKind, Node, NodeKind
from cadence.domain.runs.run import Run
from cadence.domain.runs.states import FAILED_TREATMENT_STATES, RunState, TreatmentState

Json = dict[str, Any]

PRODUCER = "urn:cadence:control-plane"
_EVENT = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_FACETS = "https://openlineage.io/spec/facets/"
_UUIDS = uuid.uuid5(uuid.NAMESPACE_URL, "urn:cadence:")
_RUN_ENDS = {
    RunState.SUCCEEDED: "COMPLETE",
    RunState.CANCELLED: "ABORT",
    RunState.FAILED: "FAIL",
    RunState.TIMED_OUT: "FAIL",
}


def events(graph: Graph) -> list[Json]:
    """Returns the run events in order of time.

    Each run and treatment that has begun has a START, and an end event if it has ended.
    """
    unordered = [event for node in graph.nodes.values() for event in _events(graph, node)]
    return sorted(unordered, key=lambda event: (event["eventTime"], event["eventType"] != "START"))


def run_uuid(*of: str) -> str:
    """Returns a UUID, the same for the same run, or attempt of a treatment, in every event."""
    return str(uuid.uuid5(_UUIDS, "/".join(of)))


def _events(graph: Graph, node: Node) -> Iterator[Json]:
    if node.run is None:
        return
    if node.id.kind is NodeKind.TREATMENT:
        yield from _of_treatment(graph, node, node.run)
    elif node.id.kind is NodeKind.RUN:
        yield from _of_run(node.run)


def _of_run(run: Run) -> Iterator[Json]:
    content = {
        "run": {"runId": run_uuid(run.run_id), "facets": {}},
        "job": _job(run, run.pipeline, "PIPELINE", "BATCH"),
    }
    if run.started_at:
        yield _event("START", run.started_at, content)
    if run.finished_at and run.state in _RUN_ENDS:
        yield _event(_RUN_ENDS[run.state], run.finished_at, content)


def _of_treatment(graph: Graph, node: Node, run: Run) -> Iterator[Json]:
    treatment, spec = node.treatment, node.spec
    if treatment is None or spec is None or treatment.started_at is None:
        return  # it has not run, or it ran in another run
    streams = "stream" in {port.flow for port in spec.inputs} | {port.flow for port in spec.outputs}
    facets: Json = {
        "parent": _facet("1-2-0/ParentRunFacet.json")
        | {"run": {"runId": run_uuid(run.run_id)}, "job": {"namespace": _namespace(run), "name": run.pipeline}}
    }
    content = {
        "run": {"runId": run_uuid(run.run_id, treatment.name, str(treatment.attempt)), "facets": facets},
        "job": _job(run, f"{run.pipeline}.{treatment.name}", "TREATMENT", "STREAMING" if streams else "BATCH"),
        "inputs": _inputs(graph, node, _namespace(run)),
        "outputs": _outputs(graph, node, _namespace(run)),
    }
    yield _event("START", treatment.started_at, content)
    if treatment.finished_at and treatment.state.final:
        if treatment.state in FAILED_TREATMENT_STATES:
            facets["errorMessage"] = _error(spec, treatment.cause or str(treatment.state))
        yield _event(_end(treatment.state), treatment.finished_at, content)


def _end(state: TreatmentState) -> str:
    if state is TreatmentState.SUCCEEDED:
        return "COMPLETE"
    return "FAIL" if state in FAILED_TREATMENT_STATES else "ABORT"


def _event(kind: str, at: datetime, content: Json) -> Json:
    # A copy, so that facets of the end are not added to the start.
    run = {**content["run"], "facets": dict(content["run"]["facets"])}
    return (
        {"eventType": kind, "eventTime": at.isoformat(), "producer": PRODUCER, "schemaURL": _EVENT}
        | content
        | {"run": run}
    )


def _job(run: Run, name: str, kind: str, processing: str) -> Json:
    facet = {"processingType": processing, "integration": "CADENCE", "jobType": kind}
    return {
        "namespace": _namespace(run),
        "name": name,
        "facets": {"jobType": _facet("2-0-4/JobTypeJobFacet.json") | facet},
    }


def _inputs(graph: Graph, node: Node, namespace: str) -> Sequence[Json]:
    used = [link.cause for link in graph.links if link.kind is LinkKind.USED and link.effect == node.id]
    datasets = [_dataset(graph.nodes[node_id], namespace) for node_id in used if node_id in graph.nodes]
    return [
        dataset | {"inputFacets": {"inputStatistics": _facet("1-0-0/InputStatisticsInputDatasetFacet.json") | size}}
        for dataset, size in datasets
    ]


def _outputs(graph: Graph, node: Node, namespace: str) -> Sequence[Json]:
    sent = [link.effect for link in graph.links if link.kind is LinkKind.GENERATED_BY and link.cause == node.id]
    datasets = [
        _dataset(graph.nodes[node_id], namespace)
        for node_id in sent
        if node_id in graph.nodes and node_id.kind is not NodeKind.LINE
    ]
    return [
        dataset | {"outputFacets": {"outputStatistics": _facet("1-0-2/OutputStatisticsOutputDatasetFacet.json") | size}}
        for dataset, size in datasets
    ]


def _dataset(node: Node, namespace: str) -> tuple[Json, Json]:
    """Returns a dataset, and its size if that is known."""
    digest: str | None = None
    size: int | None = None
    if node.id.kind is NodeKind.CACHE:
        name, digest, size = f"caches/{node.facts['key']}", node.facts["sha256"], node.facts["size"]
    else:
        name = f"{node.run.pipeline if node.run else ''}/{node.id.name}"
        if node.value:
            digest, size = node.value.digest, node.value.size
    facets: Json = {}
    if digest is not None:
        facets["version"] = _facet("1-0-1/DatasetVersionDatasetFacet.json") | {"datasetVersion": f"sha256:{digest}"}
    known: Json = {"size": size} if size is not None else {}
    return {"namespace": namespace, "name": name, "facets": facets}, known


def _namespace(run: Run) -> str:
    return f"cadence://{run.organization}/{run.project}"


def _error(spec: TreatmentSpec, message: str) -> Json:
    return _facet("1-0-1/ErrorMessageRunFacet.json") | {"message": message, "programmingLanguage": spec.shell}


def _facet(schema: str) -> Json:
    return {"_producer": PRODUCER, "_schemaURL": _FACETS + schema}
