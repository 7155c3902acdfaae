"""Shapes of pieces of contents, of resources over time, of diagnoses and of a group's instances."""

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import Field

from api.endpoint import Model
from api.routes.insight.preview_shapes import PreviewView
from api.routes.insight.treatment_shapes import TimesView, times_view
from api.shapes import Cursor, JsonObject
from cadence.application.insight.diagnose import LinkedTrace
from cadence.application.insight.treatment_insight import InstanceSummary
from cadence.application.values.read_content import LONGEST, Piece
from cadence.domain.insight.stacktraces import Frame, StackTrace
from cadence.domain.pipelines.specification import InputSpec
from cadence.domain.runners.timing import times
from cadence.domain.values.previews import preview

_SHOWN = 4_096


class ContentQuery(Model):
    offset: int = Field(
        0, ge=-(2**53), le=2**53, description="The first byte; from the end of what is there if negative."
    )
    length: int = Field(4_096, ge=1, le=LONGEST)


class OutputQuery(ContentQuery):
    attempt: int | None = Field(None, ge=1, le=9_999, description="Whose; the latest that sent anything by default.")


class ContentView(Model):
    """A piece of the content of a port. `next` is the offset to continue at, null at the end of the content."""

    treatment: str
    port: str
    flow: str
    type: str
    attempt: int
    offset: int
    content_base64: str
    shown: PreviewView
    size: int = Field(description="Of all of it, until now if it has not ended.")
    ended: bool
    sha256: str | None
    failed: bool = Field(description="Whether it was kept of an attempt that failed, and feeds no other treatment.")
    next: int | None


class ResourcesQuery(Model):
    attempt: int | None = Field(None, ge=1, le=9_999)
    points: int = Field(240, ge=2, le=2_000, description="At most so many, spread over the whole time.")


class ResourceSampleView(Model):
    """Since the start: CPU time, and bytes read, written, received and sent.

    At that moment: memory, disk and processes.
    """

    at: datetime
    cpu_ms: int
    memory: int
    read_bytes: int
    write_bytes: int
    processes: int
    rx_bytes: int | None
    tx_bytes: int | None
    disk_bytes: int | None
    shared_network: bool = Field(description="Whether what others on the machine received and sent is counted as well.")


class LimitsView(Model):
    """Millicores and bytes. `enforced` in a container; a command on the machine itself is only measured."""

    cpu: int | None
    memory: int | None
    disk: int | None
    enforced: bool
    machine_cpu: int | None
    machine_memory: int | None


class ResourcesView(Model):
    attempt: int
    samples: list[ResourceSampleView]
    limits: LimitsView


class AttemptQuery(Model):
    attempt: int | None = Field(
        None, ge=1, le=9_999, description="As it was in this attempt; in the latest by default."
    )


class DiagnosisQuery(Model):
    attempt: int | None = Field(None, ge=1, le=9_999)
    lines: int = Field(20, ge=0, le=1_000, description="How many of the last lines.")


class StreamReaderView(Model):
    treatment: str
    behind: int = Field(description="Bytes that were sent and that it does not have yet.")


class OutgoingStreamView(Model):
    port: str
    size: int = Field(description="Bytes sent so far.")
    ended: bool
    readers: list[StreamReaderView] = Field(description="Those that read while it is sent.")


class FlowsView(Model):
    items: list[OutgoingStreamView] = Field(description="Streams that have begun; none unless the treatment runs.")


class InstancesQuery(Model):
    limit: int = Field(100, ge=1, le=100)
    cursor: Cursor | None = None


class InstanceView(Model):
    """One instance, to be compared with the others. `element` is the item of `each` that it was made for."""

    name: str
    state: str
    cause: str | None
    exit_code: int | None
    soft_failed: bool = Field(description="It failed, and this does not fail the run (`soft_fail`).")
    attempt: int
    pool: str | None
    matrix: JsonObject
    element: str | None
    times: TimesView
    usage: dict[str, float]
    outputs: dict[str, str | None] = Field(description="SHA-256 by output: what is equal has the same.")


class InstancesView(Model):
    items: list[InstanceView]
    next: str | None = Field(description="The cursor of the next page, null at the end.")


def piece_view(piece: Piece) -> PreviewView:
    content = piece.content[:_SHOWN]
    return PreviewView.of(
        preview(content, piece.where.type, cut=piece.offset + len(content) < piece.size, offset=piece.offset)
    )


def content_view(piece: Piece) -> ContentView:
    where, end = piece.where, piece.offset + len(piece.content)
    return ContentView(
        treatment=where.treatment,
        port=where.port,
        flow=where.flow,
        type=where.type,
        attempt=where.attempt,
        offset=piece.offset,
        content_base64=base64.b64encode(piece.content).decode(),
        shown=piece_view(piece),
        size=piece.size,
        ended=where.ended,
        sha256=where.sha256,
        failed=where.failed,
        next=end if end < piece.size or not where.ended else None,
    )


def trace_json(linked: LinkedTrace) -> dict[str, Any]:
    """Returns plain JSON: its texts come from log lines, which may hold characters that no model accepts."""
    trace, lines = linked.trace, linked.lines
    place = trace.place
    return {
        **_trace(trace, lines),
        "place": _frame(place, lines) if place else None,
    }


def _trace(trace: StackTrace, lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "language": trace.language,
        "error": trace.error,
        "message": trace.message,
        "first": lines[trace.first]["cursor"],
        "last": lines[trace.last]["cursor"],
        "text": [line["text"] for line in lines[trace.first : trace.last + 1]],
        "frames": [_frame(frame, lines) for frame in trace.frames],
        "caused_by": _trace(trace.caused_by, lines) if trace.caused_by else None,
    }


def _frame(frame: Frame, lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "function": frame.function,
        "file": frame.file,
        "line": frame.line,
        "column": frame.column,
        "own": frame.own,
        "cursor": lines[frame.on]["cursor"],
        "seq": lines[frame.on]["seq"],
    }


class FrameView(Model):
    """`own`: in the user's own code. `cursor` and `seq` name the log line of the frame."""

    function: str
    file: str | None
    line: int | None
    column: int | None
    own: bool
    cursor: str
    seq: int


class RaisedView(Model):
    """Frames with the innermost first. `first` and `last` are the cursors of its log lines, `text` their texts."""

    language: str
    error: str
    message: str
    first: str
    last: str
    text: list[str]
    frames: list[FrameView]
    caused_by: "RaisedView | None"


class StackTraceView(RaisedView):
    place: FrameView | None = Field(description="Where to look first.")


class LogLineView(Model):
    """`cursor` is the line's place in the run's log, `<segment>:<number>`."""

    cursor: str
    seq: int
    time: str
    stream: str
    level: str
    text: str
    runner: str


class DiagnosisView(Model):
    """Why an attempt ended as it did."""

    attempt: int
    state: str
    cause: str | None
    explanations: list[str] = Field(description="What that means, in plain words.")
    stack_traces: list[StackTraceView] = Field(description="In the order of their lines.")
    errors: list[LogLineView] = Field(description="Lines that state an error and belong to no stack trace.")
    last_lines: list[LogLineView]
    complete: bool = Field(description="False if the attempt has more lines than were read.")


def line_json(line: Mapping[str, Any]) -> dict[str, Any]:
    return {name: line[name] for name in LogLineView.model_fields}


def instance_view(instance: InstanceSummary, now: datetime, element: InputSpec | None) -> InstanceView:
    treatment, runner = instance.treatment, instance.runner
    used = (runner.result.usage if runner.result else runner.peaks) if runner else {}
    return InstanceView(
        name=treatment.name,
        state=str(treatment.state),
        cause=treatment.cause,
        exit_code=treatment.exit_code,
        soft_failed=treatment.soft_failed,
        attempt=treatment.attempt,
        pool=treatment.pool,
        matrix=dict(instance.spec.matrix),
        element=(element.literal or "")[:200] if element else None,
        times=times_view(times(treatment, treatment.attempt, runner, now)),
        usage=dict(used),
        outputs={value.port: value.digest for value in instance.outputs},
    )
