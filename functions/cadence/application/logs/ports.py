"""Ports for indexing and reading logs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from cadence.domain.dead_letters.dead_letter import StrayRecord
from cadence.domain.logs.line_block import LineBlock
from cadence.domain.logs.log import Segment, Watermark
from cadence.domain.runs.run import Run

Line = Mapping[str, Any]
"""A stored line: `{seq, time, runner, pool, treatment, attempt, stream, level, text}`.

It has `continued: true` if the next line continues it, `gap: {first, last}` if it marks a gap, `step` with
the number of the step that wrote it.
"""

RunOf = Callable[[str], Run]
"""Returns the run with an id, of which only fields that never change are used. Raises NotFound."""


@dataclass(frozen=True)
class LogHead:
    """The writing position of a run's log: the next segment's number, and the requested watermarks by runner.

    `lines` counts those in the log.

    `next_arrival` is the number that the segment gets among those of its organization (see
    `cadence.application.search.live_ports`).
    """

    next_segment: int
    watermarks: Mapping[str, Watermark]
    next_arrival: int = 0
    lines: int = 0


class LogIndex(Protocol):
    """Stores manifests and watermarks (table `logs`)."""

    def get_head(self, organization: str, run_id: str, runner_ids: Iterable[str]) -> LogHead: ...

    def append(self, head: LogHead, segment: Segment, watermarks: Sequence[Watermark]) -> None:
        """Stores manifest, next number, watermarks and arrival in one transaction.

        Raises Conflict unless all is as in `head`, and Transient.
        """

    def list_segments(self, run_id: str, from_number: int, limit: int) -> Sequence[Segment]:
        """Returns segments in order, from `from_number` on, at most `limit`."""

    def newest_segments(self, run_id: str, limit: int, before: int | None = None) -> Sequence[Segment]:
        """Returns at most `limit` segments, newest first; those with a number below `before`, if it is given."""


class LogMarks(Protocol):
    """Reads how far the lines of runners were written (table `logs`)."""

    def watermarks(self, runner_ids: Iterable[str]) -> Mapping[str, Watermark]:
        """Returns the watermarks of those runners that have one, by the runner's id."""


class ProjectLogUse(Protocol):
    """Counts the bytes of a project's lines by day (table `logs`)."""

    def add(self, organization: str, project: str, day: str, size: int) -> int:
        """Adds bytes to the count of a day, and returns the sum. Raises Transient."""


class LogSegments(Protocol):
    """Stores the lines of segments (bucket `data`, or that of the pool whose runners sent them)."""

    def write(self, run_id: str, number: int, lines: Sequence[Line], bucket: str | None = None) -> str:
        """Writes lines and returns their address; writing the same lines again changes nothing.

        Raises NotFound if a pool's bucket refuses them or is not used any more, and Transient.
        """

    def read(self, key: str) -> Sequence[Line]:
        """Returns the lines at an address; none once they are too old.

        Raises NotFound if a pool's bucket refuses or is not used any more, InvalidRequest if the object is no segment,
        and Transient.
        """


class LogStream(Protocol):
    """Notifies the owner of the log stream."""

    def needed(self) -> None:
        """Reports that a run begins, so that a parked stream comes back; never blocks the run."""


class LogLine(NamedTuple):
    """A line as an agent sends it: masked, without its line end. A tuple, since a chatty command prints millions."""

    seq: int
    time: str  # RFC 3339, UTC, milliseconds
    stream: str
    level: str
    text: str
    continued: bool = False
    track: int | None = None  # of an engine's line
    step: int | None = None  # the number of the step that wrote it


@dataclass(frozen=True, kw_only=True)
class LogBatch:
    """Lines of one runner, in order. `bucket` is that of its pool, in which they are kept (None: our own)."""

    run_id: str
    runner_id: str
    treatment: str
    attempt: int
    lines: Sequence[LogLine]
    pool: str | None = None
    bucket: str | None = None


@dataclass(frozen=True, kw_only=True)
class SentBlock:
    """A checked block of lines of one runner. `bucket` is as in `LogBatch`."""

    run_id: str
    runner_id: str
    treatment: str
    attempt: int
    block: LineBlock
    pool: str | None = None
    bucket: str | None = None


class LogSink(Protocol):
    """The log stream."""

    def put_block(self, sent: SentBlock) -> None:
        """Takes all lines of a block durably. Raises Transient if it took none."""

    def put(self, batch: LogBatch) -> int:
        """Returns the sequence number through which lines were durably taken (0 for none). Raises Transient."""


class SentLines(Protocol):
    """Reads the records of the log stream, and the lines that some of them only refer to."""

    def read(self, content: bytes) -> LogBatch | None:
        """Returns the lines of a record; None if they were written before, and removed from where they had been.

        Raises InvalidRequest if it is no record of lines, NotFound if a pool's bucket refuses, and Transient.
        """

    def remove(self, contents: Iterable[bytes]) -> None:
        """Removes what records refer to, once it is written. Raises Transient."""


class StrayRecords(Protocol):
    """Stores records of the log stream that were set aside: their bytes in the bucket, the rest in the table `logs`."""

    def keep(self, record: StrayRecord, content: bytes) -> None:
        """Stores a record, in place of an earlier one with its number. Raises Transient."""

    def list(self, organization: str, limit: int) -> Sequence[StrayRecord]: ...

    def get(self, organization: str, number: str) -> StrayRecord:
        """Returns a record. Raises NotFound."""

    def content(self, record: StrayRecord) -> bytes:
        """Returns a record's bytes. Raises NotFound if the bucket's lifecycle rule has removed them, and Transient."""

    def remove(self, record: StrayRecord) -> None:
        """Removes a record; a missing one is no error."""
