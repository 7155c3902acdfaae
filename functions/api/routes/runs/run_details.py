"""The inside of a run: its graph, its values and where they came from."""

import base64
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from api.cursors import sign, verify
from api.endpoint import Call, Endpoints, Reply
from api.routes.insight.content_shapes import piece_view
from api.routes.runs.insight_shapes import (
    ChunkView,
    DownloadQuery,
    DownloadView,
    EdgeView,
    GraphQuery,
    GraphView,
    NodeView,
    PathStepView,
    SentValueList,
    SentValueView,
    ValuesQuery,
)
from cadence.application.runs.run_details import RunDetails
from cadence.application.values.read_content import of_value, require_kept
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.access.audit import AuditKind
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.shared.errors import InvalidRequest, Violation

endpoints = Endpoints("insight")

_CHUNKS_PER_PAGE = 1_000
_VALUES_PER_PAGE = 1_000
_LONGEST_PREVIEW = 4_096
# A Lambda answers with at most 6 MB.
_LONGEST_GRAPH = 3_000_000


@endpoints.add(
    "GET",
    "/v1/runs/{run_id}/graph",
    Permission.RUNS_READ,
    answers={200: GraphView, 304: None},
    errors=(404, 422),
)
def show_graph(call: Call, services: Services, run_id: str, query: GraphQuery) -> Reply:
    """Shows the treatments, all edges between them, and the critical path."""
    insight = services.look.read(services.visible.get(call.by, run_id))
    lasting = insight.run.state.final
    key, listing = services.keys.key("CURSOR"), ("graph", run_id)
    first = int(verify(key, query.cursor, *listing)) if query.cursor else 0
    nodes: list[NodeView] = []
    edges: list[EdgeView] = []
    size = 0
    # In an order that stays: each treatment, then what leads to it.
    parts = () if query.only else _parts(insight)
    for position, part in enumerate(islice(parts, first, None), first):
        if size > _LONGEST_GRAPH:
            page = GraphView(nodes=nodes, edges=edges, critical_path=None, next=sign(key, str(position), *listing))
            return Reply(page, lasting=lasting)
        if isinstance(part, NodeView):
            nodes.append(part)
        else:
            edges.append(part)
        size += len(part.model_dump_json())
    path = [PathStepView.of(step) for step in insight.critical_path(services.clock())]
    return Reply(GraphView(nodes=nodes, edges=edges, critical_path=path, next=None), lasting=lasting)


@endpoints.add(
    "GET",
    "/v1/runs/{run_id}/values",
    Permission.RUNS_READ,
    answers={200: SentValueList, 304: None},
    errors=(404, 422),
)
def list_values(call: Call, services: Services, run_id: str, query: ValuesQuery) -> Reply:
    """Lists what the treatments of a run have sent, without content, by treatment and port."""
    insight = services.look.read(services.visible.get(call.by, run_id))
    key, listing = services.keys.key("CURSOR"), ("values", run_id)
    first = int(verify(key, query.cursor, *listing)) if query.cursor else 0
    values = sorted(insight.values.items())
    last = first + _VALUES_PER_PAGE
    items = [
        SentValueView(
            treatment=treatment,
            port=port,
            flow=value.flow,
            type=value.type,
            size=value.size,
            sha256=value.digest,
            kept=not value.passes,
            created_at=value.created_at,
        )
        for (treatment, port), value in values[first:last]
    ]
    page = SentValueList(items=items, next=sign(key, str(last), *listing) if last < len(values) else None)
    return Reply(page, lasting=insight.run.state.final)


@endpoints.add(
    "GET",
    "/v1/runs/{run_id}/values/{sha256}",
    Permission.VALUES_READ,
    answers={200: DownloadView},
    errors=(404, 410, 422),
    audit=AuditKind.VALUE,
)
def show_value(call: Call, services: Services, run_id: str, sha256: str, query: DownloadQuery) -> DownloadView:
    """Shows how to read a value in full."""
    value = services.look.read(services.visible.get(call.by, run_id)).value(sha256)
    require_kept(f"{value.treatment}.{value.port}", value.retention)
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
    piece = None
    if query.offset is not None or query.length is not None:
        piece = services.debugging.content.read(of_value(value), query.offset or 0, query.length or _LONGEST_PREVIEW)
    is_whole = (
        value.preview
        if value.retention is None and value.size <= _LONGEST_PREVIEW and len(value.preview) == value.size
        else None
    )
    content = piece.content if piece else is_whole
    return DownloadView(
        sha256=value.sha256,
        size=value.size,
        flow=value.flow,
        type=value.type,
        treatment=value.treatment,
        port=value.port,
        offset=piece.offset if piece else 0,
        content_base64=base64.b64encode(content).decode() if content is not None else None,
        shown=piece_view(piece) if piece else None,
        chunks=chunks,
        next_chunk=last if last < value.chunks else None,
    )


def _parts(insight: RunDetails) -> Iterator[NodeView | EdgeView]:
    for spec in insight.specs.values():
        yield _node(insight, spec)
        yield from _edges(insight, spec)


def _node(insight: RunDetails, spec: TreatmentSpec) -> NodeView:
    treatment = insight.treatments.get(spec.name)
    instances = insight.instances.get(spec.name)
    return NodeView(
        name=spec.name,
        kind=str(spec.kind),
        group=spec.group,
        state=str(treatment.state) if treatment else "pending",
        attempt=treatment.attempt if treatment else 1,
        ready_at=treatment.ready_at if treatment else None,
        started_at=treatment.started_at if treatment else None,
        finished_at=treatment.finished_at if treatment else None,
        inputs=[source_input.port for source_input in spec.inputs],
        outputs=[output.port for output in spec.outputs],
        instances=Counter(str(one.state) for one in instances) if instances is not None else None,
    )


def _edges(insight: RunDetails, spec: TreatmentSpec) -> list[EdgeView]:
    edges = []
    for source_input in spec.inputs:
        if source_input.source_treatment and source_input.source_port:
            value = insight.values.get((source_input.source_treatment, source_input.source_port))
            edges.append(
                EdgeView(
                    source=source_input.source_treatment,
                    source_port=source_input.source_port,
                    target=spec.name,
                    target_port=source_input.port,
                    flow=source_input.flow,
                    type=source_input.type,
                    sha256=value.digest if value else None,
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
