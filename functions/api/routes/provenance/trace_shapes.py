"""Shapes of a trace: the origins of a value, as a tree."""

from datetime import datetime

from pydantic import Field

from api.endpoint import Model
from api.routes.provenance.provenance_shapes import UNREPORTED, OutputName, PartView, names_of, part_view
from api.routes.runs.insight_shapes import RunnerView, ValueView, runner_view, value_view
from cadence.domain.provenance.graph import Graph, Link, Node, NodeId, NodeKind, ValuePart

_DEEPEST = 50


class ViaView(Model):
    """Why the node is here: the kind of link to its parent, and the evidence for it."""

    kind: str
    basis: str
    port: str | None
    note: str | None
    part: PartView | None


class OriginView(Model):
    """What a treatment sent, and what that was made from.

    `cut`: shown elsewhere in this trace, or too deep; request its own trace. `sources` are values that it was made from
    and did not get through an input: an instance's, an earlier run's.
    """

    treatment: str
    port: str
    state: str | None
    exit_code: int | None
    attempt: int | None
    started_at: datetime | None
    finished_at: datetime | None
    runner: RunnerView | None
    value: ValueView | None
    unreported: int = Field(description=UNREPORTED)
    inputs: dict[str, "OriginView | None"]
    cut: bool
    run_id: str
    via: ViaView | None = None
    sources: list["OriginView"] = Field(default_factory=list)


class TraceView(Model):
    """`part` is the piece that the offset is in: its line, where there are lines."""

    run_id: str
    offset: int | None
    origin: OriginView
    part: PartView | None = None


class TraceQuery(Model):
    port: OutputName = Field(description="`treatment.port`")
    offset: int | None = Field(None, ge=0, le=2**53, description="A byte of a stream that must exist.")


def origin_view(graph: Graph) -> OriginView:
    """Returns a backward graph of values as a tree, from the requested value on.

    Each treatment is shown in full once.
    """
    return _origin(graph, graph.nodes[graph.start], None, set(), _DEEPEST)


def _origin(graph: Graph, node: Node, via: ViaView | None, met: set[NodeId], depth: int) -> OriginView:
    treatment, port = names_of(node)
    state, runner = node.treatment, node.runner
    view = OriginView(
        treatment=treatment or "",
        port=port or "",
        state=str(state.state) if state else None,
        exit_code=state.exit_code if state else None,
        attempt=state.attempt if state else None,
        started_at=state.started_at if state else None,
        finished_at=state.finished_at if state else None,
        runner=runner_view(runner) if runner else None,
        value=value_view(node.value),
        unreported=node.unreported,
        inputs={},
        cut=False,
        run_id=node.id.run_id,
        via=via,
        sources=[],
    )
    maker = NodeId(NodeKind.TREATMENT, node.id.run_id, treatment or "")
    made_by = graph.nodes.get(maker)
    if depth == 0 or node.cut or maker in met or (made_by is not None and made_by.cut):
        view.cut = True
        return view
    met.add(maker)
    fed = (
        {source_input.port for source_input in node.spec.inputs if source_input.source_treatment}
        if node.spec
        else set()
    )
    view.inputs = {source_input.port: None for source_input in node.spec.inputs} if node.spec else {}
    for link, cause in (*graph.neighbours(node.id), *graph.neighbours(maker)):
        if cause.id.kind is not NodeKind.VALUE:
            continue
        source = _origin(graph, cause, via_view(link, link.cause_part), met, depth - 1)
        if link.port in fed and link.effect == maker:
            view.inputs[link.port or ""] = source
        else:
            view.sources.append(source)
    return view


def via_view(link: Link, part: ValuePart | None) -> ViaView:
    return ViaView(kind=str(link.kind), basis=str(link.basis), port=link.port, note=link.note, part=part_view(part))
