"""Inside a run: its treatments, its graph, its values and where they came from."""

import base64
from collections.abc import Iterator
from itertools import islice

from api.cursors import sign, verify
from api.endpoint import Call, Endpoints
from api.insight_shapes import (
    ApprovalView,
    ChunkView,
    DecisionView,
    DownloadQuery,
    DownloadView,
    EdgeView,
    GraphQuery,
    GraphView,
    NodeView,
    PortView,
    TreatmentSummary,
    TreatmentView,
    input_view,
    runner_view,
    spec_view,
    value_view,
)
from cadence.application.identifiers import child_run_id
from cadence.application.look_into_run import RunInsight, attempts
from cadence.composition.api import Services
from cadence.domain.access import Permission
from cadence.domain.errors import InvalidRequest, NotFound, Violation
from cadence.domain.run import Kind, Treatment, TreatmentSpec, TreatmentState

endpoints = Endpoints("insight")

_CHUNKS_PER_PAGE = 1_000
_LONGEST_PREVIEW = 4_096
# A Lambda answers with at most 6 MB.
_LONGEST_GRAPH = 3_000_000


@endpoints.add(
    "GET",
    "/v1/runs/{run_id}/treatments/{treatment}",
    Permission.RUNS_READ,
    answers={200: TreatmentView},
    errors=(404,),
)
def show_treatment(call: Call, services: Services, run_id: str, treatment: str) -> TreatmentView:
    """Everything about a treatment: state, times, what it was to run, what it received and sent, its runners."""
    insight = services.look(services.visible.get(call.by, run_id))
    spec = insight.spec(treatment)
    previewed = call.by.may(Permission.VALUES_READ)
    # Until the run is admitted only its plan knows its treatments.
    state = insight.treatments.get(treatment) or Treatment(run_id, treatment, TreatmentState.PENDING, 0)
    runners = attempts(services.runners, state)
    result = runners[0].result if runners else None
    return TreatmentView(
        **TreatmentSummary.model_validate(state).model_dump(),
        run_id=run_id,
        placed_at=state.placed_at,
        failures=state.failures,
        infrastructure_failures=state.infrastructure_failures,
        usage=dict(result.usage) if result else {},
        started_run=_started_run(services, insight, treatment),
        approval=_approval(services, run_id, spec),
        spec=spec_view(spec),
        inputs=[input_view(insight, given, previewed=previewed) for given in spec.inputs],
        outputs=[
            PortView(
                port=output.port,
                flow=output.flow,
                type=output.type,
                value=value_view(insight.values.get((treatment, output.port)), previewed=previewed),
            )
            for output in spec.outputs
        ],
        runners=[runner_view(runner) for runner in runners],
    )


def _started_run(services: Services, insight: RunInsight, treatment: str) -> str | None:
    if insight.spec(treatment).kind is not Kind.TRIGGER:
        return None
    try:
        return services.runs.get_run(child_run_id(insight.run, treatment)).run_id
    except NotFound:
        return None


@endpoints.add("GET", "/v1/runs/{run_id}/graph", Permission.RUNS_READ, answers={200: GraphView}, errors=(404, 422))
def show_graph(call: Call, services: Services, run_id: str, query: GraphQuery) -> GraphView:
    """The treatments and everything that leads from one to another."""
    insight = services.look(services.visible.get(call.by, run_id))
    key, listing = services.keys.key("CURSOR"), ("graph", run_id)
    first = int(verify(key, query.cursor, *listing)) if query.cursor else 0
    nodes: list[NodeView] = []
    edges: list[EdgeView] = []
    size = 0
    # In an order that stays: each treatment, then what leads to it.
    for position, part in enumerate(islice(_parts(insight), first, None), first):
        if size > _LONGEST_GRAPH:
            return GraphView(nodes=nodes, edges=edges, next=sign(key, str(position), *listing))
        if isinstance(part, NodeView):
            nodes.append(part)
        else:
            edges.append(part)
        size += len(part.model_dump_json())
    return GraphView(nodes=nodes, edges=edges, next=None)


@endpoints.add(
    "GET",
    "/v1/runs/{run_id}/values/{sha256}",
    Permission.VALUES_READ,
    answers={200: DownloadView},
    errors=(404, 422),
)
def show_value(call: Call, services: Services, run_id: str, sha256: str, query: DownloadQuery) -> DownloadView:
    """How to read a value in full."""
    value = services.look(services.visible.get(call.by, run_id)).value(sha256)
    last = min(value.chunks, query.first_chunk + _CHUNKS_PER_PAGE)
    if query.first_chunk > value.chunks:
        message = f"The value has {value.chunks} chunks."
        raise InvalidRequest(message, [Violation("first_chunk", message)])
    chunks = [
        ChunkView(
            seq=seq,
            url=services.urls.download(value.chunk_key(seq)),
        )
        for seq in range(query.first_chunk, last)
    ]
    whole = value.size <= _LONGEST_PREVIEW and len(value.preview) == value.size
    return DownloadView(
        sha256=value.sha256,
        size=value.size,
        flow=value.flow,
        type=value.type,
        treatment=value.treatment,
        port=value.port,
        content_base64=base64.b64encode(value.preview).decode() if whole else None,
        chunks=chunks,
        next_chunk=last if last < value.chunks else None,
    )


def _approval(services: Services, run_id: str, spec: TreatmentSpec) -> ApprovalView | None:
    if spec.environment is None:
        return None
    try:
        asked = services.approval_store.get_request(run_id, spec.name)
    except NotFound:
        return None
    return ApprovalView(
        environment=asked.environment,
        required=asked.required,
        approvers=None if asked.approvers is None else list(asked.approvers),
        asked_at=asked.asked_at,
        expires_at=asked.expires_at,
        decisions=[DecisionView.of(made) for made in services.approval_store.decisions(run_id, spec.name)],
    )


def _parts(insight: RunInsight) -> Iterator[NodeView | EdgeView]:
    for spec in insight.specs.values():
        yield NodeView(
            name=spec.name,
            state=str(insight.treatments[spec.name].state) if spec.name in insight.treatments else "pending",
            inputs=[given.port for given in spec.inputs],
            outputs=[output.port for output in spec.outputs],
        )
        yield from _edges(insight, spec)


def _edges(insight: RunInsight, spec: TreatmentSpec) -> list[EdgeView]:
    edges = []
    for given in spec.inputs:
        if given.source_treatment and given.source_port:
            value = insight.values.get((given.source_treatment, given.source_port))
            edges.append(
                EdgeView(
                    source=given.source_treatment,
                    source_port=given.source_port,
                    target=spec.name,
                    target_port=given.port,
                    flow=given.flow,
                    type=given.type,
                    sha256=value.sha256 if value else None,
                    size=value.size if value else None,
                )
            )
    edges += [
        EdgeView(
            source=name,
            source_port="completed",
            target=spec.name,
            target_port="after",
            flow="block",
            type="void",
            sha256=None,
            size=None,
        )
        for name in spec.after
    ]
    return edges
