"""Shapes of provenance: the graph of origins or destinations, and the runs that used a value."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from api.endpoint import Model
from api.routes.runs.insight_shapes import RunnerView, ValueView, runner_view, value_view
from api.shapes import TREATMENT_PATTERN, Cursor, JsonObject, Limit, TreatmentName
from cadence.application.provenance.ports import ValueOrigin
from cadence.application.provenance.trace import MOST_NODES
from cadence.domain.provenance.graph import Link, Node, NodeId, NodeKind, ValuePart
from cadence.domain.runs.run import Run
from cadence.domain.runs.states import TreatmentState
from cadence.domain.values.cache import CacheMaker

# A thousand nodes have to fit into one answer.
_LONGEST_PREVIEW = 256

UNREPORTED = "The values that a Mélodium engine sent here without reporting them; 0 if there is a value."

OutputName = Annotated[
    str, StringConstraints(pattern=TREATMENT_PATTERN.removesuffix("$") + r"\.[A-Za-z][A-Za-z0-9_-]{0,62}$")
]


class PartView(Model):
    """A piece of a value: `length` bytes from `offset` on; `line` counts from 1.

    With several `candidates` it is the first place that matches.
    """

    offset: int
    length: int
    line: int | None
    candidates: int


class RunAbout(Model):
    """A run that a trace leads through."""

    pipeline: str
    version: int | None
    state: str
    created_at: datetime
    created_by: str
    parameters: JsonObject
    event: JsonObject


class CacheAbout(Model):
    """An entry of the project's caches. `run_id` and `treatment` saved it, if that is known."""

    key: str
    size: int
    sha256: str
    saved_at: datetime
    run_id: str | None
    treatment: str | None


class LineAbout(Model):
    """A log line."""

    segment: int
    index: int = Field(description="Of the line in its segment, from 0.")
    time: datetime
    attempt: int
    stream: str
    level: str
    text: str


class PipelineAbout(Model):
    """A document that a run's own document uses."""

    name: str
    version: int | None
    sha256: str


class TracedNode(Model):
    """A node of a trace; which members it has depends on its kind. Previews have at most 256 characters.

    `cut`: its neighbours are left out; request its own trace. `next`: the cursor of its further neighbours.
    """

    id: str
    kind: str
    run_id: str | None
    treatment: str | None
    port: str | None
    state: str | None
    attempt: int | None
    exit_code: int | None
    started_at: datetime | None
    finished_at: datetime | None
    kept_from: str | None
    runner: RunnerView | None
    value: ValueView | None
    type: str | None = Field(description="The declared type of an output, whether it has a value or not.")
    unreported: int = Field(description=UNREPORTED)
    part: PartView | None
    run: RunAbout | None
    cache: CacheAbout | None
    line: LineAbout | None
    pipeline: PipelineAbout | None
    cut: bool
    next: str | None


class TracedLink(Model):
    """`effect` came of `cause`; both are ids of nodes.

    `port` is the treatment's, or the name of the run's parameter.
    """

    effect: str
    cause: str
    kind: str
    basis: str
    port: str | None
    note: str | None
    effect_part: PartView | None
    cause_part: PartView | None


class ProvenanceView(Model):
    """`nodes` in the order in which they were reached, the requested one (`start`) first."""

    run_id: str
    direction: str
    start: str
    nodes: list[TracedNode]
    links: list[TracedLink]

    def hands_over_content(self) -> bool:
        return any(node.line or (node.value and node.value.has_content) for node in self.nodes)


class ProvenanceQuery(Model):
    """At most one of `port`, `treatment`, `line` and `cache` selects a part of the run.

    Without them, the run itself is traced.
    """

    port: OutputName | None = Field(None, description="`treatment.port`: what was sent there.")
    treatment: TreatmentName | None = None
    line: str | None = Field(None, pattern=r"^\d{1,12}:\d{1,9}$", description="A log line, as `segment:index`.")
    cache: str | None = Field(
        None, min_length=1, max_length=64, pattern=r"^[0-9a-z]+$", description="An entry of a cache."
    )
    offset: int | None = Field(None, ge=0, le=2**53, description="With `port`: a byte in it.")
    direction: Literal["backward", "forward"] = "backward"
    limit: int = Field(200, ge=1, le=MOST_NODES, description="Nothing more is followed once there are so many nodes.")
    cursor: Cursor | None = Field(None, description="Of the requested node: its `next`.")


class UseView(Model):
    """A value with the requested digest, where it was sent. `kept_from`: this run only took it over from that one."""

    run_id: str
    pipeline: str
    run_state: str
    created_at: datetime
    treatment: str
    port: str
    size: int
    made_at: datetime | None
    kept_from: str | None
    consumers: list[str] = Field(description="Treatments of the run that it was given to, the first 50.")
    more_consumers: bool


class UsesPage(Model):
    items: list[UseView]
    next: str | None


class UsesQuery(Model):
    limit: Limit = 50
    cursor: Cursor | None = None


def part_view(part: ValuePart | None) -> PartView | None:
    return None if part is None else PartView.model_validate(part)


def link_view(link: Link) -> TracedLink:
    return TracedLink(
        effect=str(link.effect),
        cause=str(link.cause),
        kind=str(link.kind),
        basis=str(link.basis),
        port=link.port,
        note=link.note,
        effect_part=part_view(link.effect_part),
        cause_part=part_view(link.cause_part),
    )


def node_view(node: Node, cursor: str | None) -> TracedNode:
    treatment, port = names_of(node)
    state = node.treatment
    of_run = node.id.kind is NodeKind.RUN and node.run is not None
    return TracedNode(
        id=str(node.id),
        kind=str(node.id.kind),
        run_id=node.id.run_id or None,
        treatment=treatment,
        port=port,
        state=str(state.state) if state else (str(TreatmentState.PENDING) if node.spec else None),
        attempt=state.attempt if state else None,
        exit_code=state.exit_code if state else None,
        started_at=state.started_at if state else None,
        finished_at=state.finished_at if state else None,
        kept_from=state.kept_from if state else None,
        runner=runner_view(node.runner) if node.runner else None,
        value=_shortened(value_view(node.value)),
        type=node.type,
        unreported=node.unreported,
        part=part_view(node.part) if node.id.kind is NodeKind.VALUE else None,
        run=_run(node.run) if of_run and node.run else None,
        cache=_cache(node.facts) if node.id.kind is NodeKind.CACHE else None,
        line=_line(node.id, node.facts) if node.id.kind is NodeKind.LINE else None,
        pipeline=_pipeline(node) if node.id.kind is NodeKind.PIPELINE else None,
        cut=node.cut,
        next=cursor,
    )


def names_of(node: Node) -> tuple[str | None, str | None]:
    """Returns the treatment and the port that a node is about."""
    match node.id.kind:
        case NodeKind.VALUE:
            treatment, _, port = node.id.name.rpartition(".")
            return treatment, port
        case NodeKind.TREATMENT:
            return node.id.name, None
        case NodeKind.LINE:
            return str(node.facts["treatment"]), None
        case _:
            return None, None


def use_view(place: ValueOrigin, run: Run, consumers: list[str], *, more: bool) -> UseView:
    return UseView(
        run_id=place.run_id,
        pipeline=run.pipeline,
        run_state=str(run.state),
        created_at=run.created_at,
        treatment=place.treatment,
        port=place.port,
        size=place.size,
        made_at=place.made_at,
        kept_from=place.kept_from,
        consumers=consumers,
        more_consumers=more,
    )


def _shortened(value: ValueView | None) -> ValueView | None:
    if value is not None:
        value.preview = value.preview and value.preview[:_LONGEST_PREVIEW]
        # As many bytes as are whole in base64.
        value.preview_base64 = value.preview_base64 and value.preview_base64[: _LONGEST_PREVIEW // 3 * 4]
    return value


def _run(run: Run) -> RunAbout:
    return RunAbout(
        pipeline=run.pipeline,
        version=run.pipeline_version,
        state=str(run.state),
        created_at=run.created_at,
        created_by=run.created_by,
        parameters=dict(run.parameters),
        event=dict(run.event),
    )


def _cache(facts: Any) -> CacheAbout:
    maker: CacheMaker | None = facts["maker"]
    return CacheAbout(
        key=facts["key"],
        size=facts["size"],
        sha256=facts["sha256"],
        saved_at=facts["saved_at"],
        run_id=maker.run_id if maker else None,
        treatment=maker.treatment if maker else None,
    )


def _line(line: NodeId, facts: Any) -> LineAbout:
    segment, index = line.name.split(":")
    return LineAbout(
        segment=int(segment),
        index=int(index),
        time=facts["time"],
        attempt=facts["attempt"],
        stream=facts["stream"],
        level=facts["level"],
        # JSON cannot hold half a surrogate pair.
        text=str(facts["text"]).encode("utf-8", "replace").decode(),
    )


def _pipeline(node: Node) -> PipelineAbout:
    return PipelineAbout(name=node.facts["name"], version=node.facts["version"], sha256=node.facts["sha256"])
