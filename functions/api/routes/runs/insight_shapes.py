"""Shapes of the inside of a run."""

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import Field

from api.endpoint import Model
from api.routes.insight.preview_shapes import PreviewView
from api.shapes import Cursor, JsonObject
from cadence.application.values.read_content import LONGEST
from cadence.domain.limits.approval import Decision
from cadence.domain.runners.runner import Runner
from cadence.domain.runs.critical_path import PathStep
from cadence.domain.runs.run import Value
from cadence.domain.values.previews import preview
from cadence.domain.values.value_retention import bucket_of


class TreatmentSummary(Model):
    name: str
    state: str
    attempt: int
    cause: str | None
    waiting_for: str | None = Field(description="What holds it back beside its inputs, in words.")
    kept_from: str | None = Field(description="The earlier run that its values were taken over from.")
    exit_code: int | None
    soft_failed: bool = Field(description="It failed, and this does not fail the run (`soft_fail`).")
    pool: str | None
    ready_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None


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
    phase: str | None = Field(description="What it was last doing: booting, pulling, reading, running, uploading…")
    boot_phases: dict[str, float] = Field(description="Its machine's report of its boot: seconds until each phase.")
    offer: str | None = Field(description="What its infrastructure sold it as, once that is known.")
    per_hour: float | None = Field(description="What an hour of it costs; null if no price is known.")
    currency: str | None
    facts: JsonObject = Field(description="The runner's report of itself: system, architecture, tools.")
    image_digest: str | None = Field(description="Of the image that the command ran in, once it has ended.")


class ValueView(Model):
    """`preview` is its beginning as text, `preview_base64` the same where it is not text; both need `values:read`."""

    sha256: str | None = Field(description="Null where its pool lets no digest stay.")
    size: int
    flow: str
    type: str
    created_at: datetime | None
    bucket: str | None = Field(description="Where it is kept, if not in the installation's own bucket.")
    not_kept: str | None = Field(description="Why only the treatments that read from it get its content.")
    preview: str | None
    preview_base64: str | None
    shown: PreviewView | None = Field(description="Its beginning, by what it is.")

    @property
    def has_content(self) -> bool:
        """Whether it has a part of the content."""
        return bool(self.preview or self.preview_base64)


class PortView(Model):
    """`source` is the output that feeds an input, as `treatment.port`. `value` is null until it is complete."""

    port: str
    flow: str
    type: str
    source: str | None = None
    value: ValueView | None


class DecisionView(Model):
    treatment: str
    decision: str
    by: str
    by_name: str = Field(description="The name of the member that `by` is; empty if it is none, or has no name here.")
    at: datetime
    comment: str

    @classmethod
    def of(cls, decision: Decision, names: Mapping[str, str]) -> "DecisionView":
        return cls(
            treatment=decision.treatment,
            decision=str(decision.verdict),
            by=decision.by,
            by_name=names.get(decision.by, ""),
            at=decision.at,
            comment=decision.comment,
        )


class ApprovalView(Model):
    """What the environment required when the treatment was about to be placed."""

    environment: str
    required: int
    approvers: list[str] | None
    asked_at: datetime
    expires_at: datetime
    decisions: list[DecisionView]


class NodeView(Model):
    """Its times are those of its latest attempt."""

    name: str
    kind: str = Field(description="`command`, `gather` (a matrix), `each`, `trigger`, or `element` (inside an engine).")
    group: str | None = Field(description="The treatment that gathers it, if it is an instance of a matrix.")
    state: str
    attempt: int
    ready_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    inputs: list[str]
    outputs: list[str]
    instances: dict[str, int] | None = Field(description="Of a group: the number of its instances by their state.")


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


class PathStepView(Model):
    """A treatment of the critical path: it had the run's time from `since` to `until`.

    Of this time, in seconds, it was `queued` (for its turn, an approval, a runner or its next attempt), its runner
    `booted`, and it `ran`.
    """

    treatment: str
    state: str
    attempt: int
    since: datetime
    until: datetime
    queued: float
    booted: float
    ran: float

    @classmethod
    def of(cls, step: PathStep) -> "PathStepView":
        return cls(
            treatment=step.treatment,
            state=str(step.state),
            attempt=step.attempt,
            since=step.since,
            until=step.until,
            queued=step.queued.total_seconds(),
            booted=step.booted.total_seconds(),
            ran=step.ran.total_seconds(),
        )


class GraphView(Model):
    nodes: list[NodeView]
    edges: list[EdgeView]
    critical_path: list[PathStepView] | None = Field(
        description="The chain of treatments, each after the one before it, that the run's time went into, of a run that "
        "has not ended until now. Null on every page but the last."
    )
    next: str | None = Field(
        description="The cursor of the next page, null at the end. Graphs of usual sizes have one."
    )


class ValuesQuery(Model):
    cursor: Cursor | None = None


class GraphQuery(Model):
    cursor: Cursor | None = None
    only: Literal["critical_path"] | None = Field(
        None,
        description="Without nodes and edges. These stay the same while a run goes on, but for the elements inside of an "
        "engine; its states are those of `GET /v1/runs/{run_id}/changes`.",
    )


class SentValueView(Model):
    treatment: str
    port: str
    flow: str
    type: str
    size: int
    sha256: str | None = Field(description="Null if its pool keeps no digests.")
    kept: bool = Field(description="Whether its content can be downloaded, as far as its pool says.")
    created_at: datetime | None


class SentValueList(Model):
    items: list[SentValueView]
    next: str | None = Field(description="The cursor of the next page, null at the end.")


class ChunkView(Model):
    seq: int
    url: str


class DownloadView(Model):
    """The bytes are the chunks in order.

    `content_base64` holds them if they are few; chunks' addresses expire after some minutes. With `offset` or `length`,
    `content_base64` holds that piece, and `shown` shows it.
    """

    sha256: str
    size: int
    flow: str
    type: str
    treatment: str
    port: str
    offset: int
    content_base64: str | None
    shown: PreviewView | None
    chunks: list[ChunkView]
    next_chunk: int | None = Field(description="`first_chunk` of the next page, null at the end.")


class DownloadQuery(Model):
    first_chunk: int = Field(0, ge=0, le=2**31)
    offset: int | None = Field(
        None, ge=-(2**53), le=2**53, description="Where a piece of it begins; from the end if negative."
    )
    length: int | None = Field(
        None, ge=1, le=LONGEST, description="How many bytes of it; 4,096 if only `offset` is given."
    )


def value_view(value: Value | None, *, previewed: bool = True) -> ValueView | None:
    if value is None:
        return None
    previewed = previewed and value.retention is None
    text, encoded = _preview(value.preview) if previewed else (None, None)
    return ValueView(
        sha256=value.digest,
        size=value.size,
        flow=value.flow,
        type=value.type,
        created_at=value.created_at,
        bucket=bucket_of(value.retention),
        not_kept=value.retention.reason if value.retention and value.passes else None,
        preview=text,
        preview_base64=encoded,
        shown=_shown(value) if previewed else None,
    )


def _shown(value: Value) -> PreviewView:
    return PreviewView.of(preview(value.preview, value.type, cut=value.size > len(value.preview)))


def runner_view(runner: Runner) -> RunnerView:
    return RunnerView.model_validate(runner)


def _preview(content: bytes) -> tuple[str | None, str | None]:
    try:
        return content.decode(), None
    except UnicodeDecodeError:
        return None, base64.b64encode(content).decode()
