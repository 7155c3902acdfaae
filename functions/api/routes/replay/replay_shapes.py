"""Shapes of replays and of their results."""

from datetime import datetime

from pydantic import Field

from api.endpoint import Body, Model
from api.shapes import JsonObject, Name
from cadence.application.replay.compare_replay import ReplayComparison, ReplayExecution
from cadence.domain.replay.verdict import OutputContrast


class ReplayBody(Body):
    """`pool` replaces those that the treatment names; `offline` means without any network."""

    pool: Name | None = None
    offline: bool = False


class ReplayStarted(Model):
    """`run_id` is the replay's; `original` the run in which the treatment ran first."""

    run_id: str
    state: str
    original: str
    unlike: list[str] = Field(description="What of then cannot be had again exactly, in words.")


class ReplaySummary(Model):
    run_id: str
    state: str
    created_at: datetime
    created_by: str


class ReplayList(Model):
    items: list[ReplaySummary] = Field(description="The newest ten, newest first.")
    next: str | None = None


class ExecutionView(Model):
    """The original or the replay. `usage` are peaks and totals that the runner measured."""

    run_id: str
    state: str
    cause: str | None
    exit_code: int | None
    started_at: datetime | None
    finished_at: datetime | None
    pool: str | None
    host: str | None
    image_digest: str | None
    offline: bool = Field(description="It had no network.")
    usage: dict[str, float]


class SentView(Model):
    sha256: str
    size: int


class PlaceView(Model):
    """`offset` counts bytes from 0, `line` and `column` from 1.

    `pointer` is a JSON Pointer into the line's value, `member` the file of an archive. `then` and `now` show both sides
    there.
    """

    offset: int
    line: int | None
    column: int | None
    pointer: str | None
    member: str | None
    then: str
    now: str


class OutputView(Model):
    """`same_values`: only how the values are written differs. `note` explains why no place is given."""

    port: str
    flow: str
    type: str
    equal: bool = Field(description="Byte by byte.")
    same_values: bool
    then: SentView | None
    now: SentView | None
    first_difference: PlaceView | None
    note: str | None


class GuessView(Model):
    kind: str = Field(description="`time`, `random`, `network`, `order`, `place` or `unknown`.")
    confidence: str = Field(description="`likely` or `possible`.")
    evidence: str


class ComparisonView(Model):
    """`verdict` is `pending`, `deterministic`, `equivalent`, `differs` or `inconclusive`.

    `first` states what differs first and where, or why that is not known.
    """

    treatment: str
    verdict: str
    first: str | None
    original: ExecutionView
    replay: ExecutionView
    outputs: list[OutputView]
    depends_on: list[GuessView] = Field(
        description="Beside its inputs, as far as the evidence shows. Likely ones first."
    )
    considered: list[str] = Field(description="The other replays that this goes by.")


class InputKit(Model):
    """The value of an input: its digest and size. `value` is null where there is nothing to download."""

    port: str
    run_id: str
    sha256: str
    size: int


class SentKit(Model):
    """What the original sent, for comparison."""

    sha256: str | None = Field(description="Null where its pool lets no digest stay.")
    size: int
    not_kept: str | None = Field(description="Why its content is not to be had.")


class KitView(Model):
    """Everything that runs a treatment once more elsewhere, but its secrets: their values never leave the platform this
    way.
    """

    original: ExecutionView
    work: JsonObject = Field(description="An agent's work: schemas/runner-protocol, without a session.")
    inputs: list[InputKit]
    outputs: dict[str, SentKit]
    secrets: dict[str, str] = Field(description="Environment variables that hold secrets, by the secrets' names.")
    unlike: list[str] = Field(description="What of then cannot be had again exactly, in words.")


def execution_view(execution: ReplayExecution) -> ExecutionView:
    treatment, result = execution.treatment, execution.runner.result if execution.runner else None
    return ExecutionView(
        run_id=execution.run.run_id,
        state=str(treatment.state),
        cause=treatment.cause,
        exit_code=treatment.exit_code,
        started_at=treatment.started_at,
        finished_at=treatment.finished_at,
        pool=treatment.pool,
        host=execution.host,
        image_digest=execution.runner.image_digest if execution.runner else None,
        offline=execution.offline,
        usage=dict(result.usage) if result else {},
    )


def comparison_view(comparison: ReplayComparison) -> ComparisonView:
    return ComparisonView(
        treatment=comparison.original.treatment.name,
        verdict=str(comparison.verdict),
        first=comparison.first,
        original=execution_view(comparison.original),
        replay=execution_view(comparison.replay),
        outputs=[_output(output) for output in comparison.outputs],
        depends_on=[
            GuessView(kind=str(guess.kind), confidence=str(guess.confidence), evidence=guess.evidence)
            for guess in comparison.guesses
        ],
        considered=list(comparison.considered),
    )


def _output(output: OutputContrast) -> OutputView:
    contrast = output.contrast
    return OutputView(
        port=output.port.port,
        flow=output.port.flow,
        type=output.port.type,
        equal=output.equal,
        same_values=output.same_values,
        then=SentView.model_validate(output.then) if output.then else None,
        now=SentView.model_validate(output.now) if output.now else None,
        first_difference=PlaceView.model_validate(contrast.first) if contrast and contrast.first else None,
        note=output.note,
    )
