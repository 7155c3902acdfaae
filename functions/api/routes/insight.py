"""Inside a run: its treatments, its graph, its values and where they came from."""

import base64
from datetime import datetime

from pydantic import Field

from api.endpoint import Call, Endpoints, Model
from api.routes.runs import TreatmentSummary
from api.shapes import JsonObject
from cadence.application.look_into_run import Origin, RunInsight, attempts
from cadence.composition.api import Services
from cadence.domain import ids
from cadence.domain.access import Permission
from cadence.domain.errors import InvalidRequest, Violation
from cadence.domain.run import InputSpec, TreatmentSpec, Value
from cadence.domain.runner import Runner

endpoints = Endpoints("insight")

_CHUNKS_PER_PAGE = 1_000
_LONGEST_PREVIEW = 4_096


class RunnerView(Model):
    runner_id: str
    attempt: int
    state: str
    pool: str
    provider: str
    host_id: str | None
    created_at: datetime
    booting_at: datetime | None
    claimed_at: datetime | None
    facts: JsonObject = Field(description="What the runner said of itself: system, architecture, tools.")


class ValueView(Model):
    """`preview` is its beginning as text, `preview_base64` the same where it is not text."""

    sha256: str
    size: int
    flow: str
    type: str
    created_at: datetime | None
    preview: str | None
    preview_base64: str | None


class PortView(Model):
    """`from` is the output that feeds an input, as `treatment.port`. `value` is null until it is complete."""

    port: str
    flow: str
    type: str
    source: str | None = Field(None, alias="from")
    value: ValueView | None

    model_config = {"populate_by_name": True, "serialize_by_alias": True, "extra": "forbid"}


class SpecView(Model):
    """What was to run. `secrets` maps environment variables to names of secrets; cpu in millicores, memory and storage in MB, seconds."""

    run: str
    shell: str
    image: str | None
    env: dict[str, str]
    secrets: dict[str, str]
    pools: list[str]
    cpu: int | None
    memory: int | None
    storage: int | None
    arch: str | None
    max_duration: int
    after: list[str]
    retry_infrastructure: int
    retry_failure: int


class TreatmentView(TreatmentSummary):
    run_id: str
    placed_at: datetime | None
    failures: int
    infrastructure_failures: int
    usage: dict[str, float] = Field(description="Peaks and totals that the runner measured.")
    spec: SpecView
    inputs: list[PortView]
    outputs: list[PortView]
    runners: list[RunnerView] = Field(description="One per attempt, the latest first.")


class NodeView(Model):
    name: str
    state: str
    inputs: list[str]
    outputs: list[str]


class EdgeView(Model):
    """From an output to an input; `target_port` is `after` where there is only an order to keep."""

    source: str
    source_port: str
    target: str
    target_port: str
    flow: str
    type: str
    sha256: str | None
    size: int | None


class GraphView(Model):
    nodes: list[NodeView]
    edges: list[EdgeView]


class OriginView(Model):
    """What a treatment sent, and what that was made from. `cut`: told elsewhere in this trace, or too deep; trace it by itself."""

    treatment: str
    port: str
    state: str | None
    exit_code: int | None
    attempt: int | None
    started_at: datetime | None
    finished_at: datetime | None
    runner: RunnerView | None
    value: ValueView | None
    inputs: dict[str, "OriginView | None"]
    cut: bool


class TraceView(Model):
    run_id: str
    offset: int | None
    origin: OriginView


class TraceQuery(Model):
    port: str = Field(description="`treatment.port`", pattern=r"^[a-z][a-z0-9_-]{0,62}\.[A-Za-z][A-Za-z0-9_-]{0,62}$")
    offset: int | None = Field(None, ge=0, le=2**53, description="A byte of a stream that must exist.")


class ChunkView(Model):
    seq: int
    url: str


class DownloadView(Model):
    """The bytes are the chunks in order. `content_base64` holds them if they are few; chunks' addresses expire after some minutes."""

    sha256: str
    size: int
    flow: str
    type: str
    treatment: str
    port: str
    content_base64: str | None
    chunks: list[ChunkView]
    next_chunk: int | None = Field(description="`first_chunk` of the next page, null at the end.")


class DownloadQuery(Model):
    first_chunk: int = Field(0, ge=0, le=2**31)


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
    state = services.runs.get_treatment(run_id, treatment)
    runners = attempts(services.runners, state)
    result = runners[0].result if runners else None
    return TreatmentView(
        **TreatmentSummary.model_validate(state).model_dump(),
        run_id=run_id,
        placed_at=state.placed_at,
        failures=state.failures,
        infrastructure_failures=state.infrastructure_failures,
        usage=dict(result.usage) if result else {},
        spec=_spec(spec),
        inputs=[_input(insight, given) for given in spec.inputs],
        outputs=[
            PortView(port=o.port, flow=o.flow, type=o.type, value=_value(insight.values.get((treatment, o.port))))
            for o in spec.outputs
        ],
        runners=[_runner(runner) for runner in runners],
    )


@endpoints.add("GET", "/v1/runs/{run_id}/graph", Permission.RUNS_READ, answers={200: GraphView}, errors=(404,))
def show_graph(call: Call, services: Services, run_id: str) -> GraphView:
    """The treatments and everything that leads from one to another."""
    insight = services.look(services.visible.get(call.by, run_id))
    nodes = [
        NodeView(
            name=spec.name,
            state=str(insight.treatments[spec.name].state) if spec.name in insight.treatments else "pending",
            inputs=[given.port for given in spec.inputs],
            outputs=[output.port for output in spec.outputs],
        )
        for spec in insight.specs.values()
    ]
    edges = [edge for spec in insight.specs.values() for edge in _edges(insight, spec)]
    return GraphView(nodes=nodes, edges=edges)


@endpoints.add("GET", "/v1/runs/{run_id}/trace", Permission.VALUES_READ, answers={200: TraceView}, errors=(404, 422))
def trace(call: Call, services: Services, run_id: str, query: TraceQuery) -> TraceView:
    """Where a value came from: the treatment that sent it, the values that it had received, and so on."""
    insight = services.look(services.visible.get(call.by, run_id))
    treatment, _, port = query.port.partition(".")
    origin = insight.origin(treatment, port, query.offset)
    return TraceView(run_id=run_id, offset=query.offset, origin=_origin(origin))


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
            url=services.downloads.url(ids.chunk_key(value.run_id, value.treatment, value.attempt, value.port, seq)),
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


def _spec(spec: TreatmentSpec) -> SpecView:
    return SpecView(**{name: getattr(spec, name) for name in SpecView.model_fields} | _lists(spec))


def _lists(spec: TreatmentSpec) -> dict[str, object]:
    return {"env": dict(spec.env), "secrets": dict(spec.secrets), "pools": list(spec.pools), "after": list(spec.after)}


def _input(insight: RunInsight, given: InputSpec) -> PortView:
    source = (given.source_treatment or "", given.source_port or "")
    return PortView(
        port=given.port,
        flow=given.flow,
        type=given.type,
        source=".".join(source) if given.source_treatment else None,
        value=_value(insight.values.get(source)),
    )


def _value(value: Value | None) -> ValueView | None:
    if value is None:
        return None
    try:
        text, encoded = value.preview.decode(), None
    except UnicodeDecodeError:
        text, encoded = None, base64.b64encode(value.preview).decode()
    return ValueView(
        sha256=value.sha256,
        size=value.size,
        flow=value.flow,
        type=value.type,
        created_at=value.created_at,
        preview=text,
        preview_base64=encoded,
    )


def _runner(runner: Runner) -> RunnerView:
    return RunnerView.model_validate(runner)


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


def _origin(origin: Origin) -> OriginView:
    state = origin.state
    return OriginView(
        treatment=origin.treatment,
        port=origin.port,
        state=str(state.state) if state else None,
        exit_code=state.exit_code if state else None,
        attempt=state.attempt if state else None,
        started_at=state.started_at if state else None,
        finished_at=state.finished_at if state else None,
        runner=_runner(origin.runner) if origin.runner else None,
        value=_value(origin.value),
        inputs={port: _origin(given) if given else None for port, given in origin.inputs.items()},
        cut=origin.cut,
    )
