"""What indexing and reading logs need from the outside."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cadence.domain.dead_letters.dead_letter import StrayRecord
from cadence.domain.logs.log import Segment, Watermark
from cadence.domain.runs.run import Run

Line = Mapping[str, Any]
"""`{seq, time, runner, pool, treatment, attempt, stream, level, text}`; `continued` or `gap: {first, last}` if so."""

RunOf = Callable[[str], Run]
"""The run with an id; only what never changes of it is used. Raises NotFound."""


@dataclass(frozen=True)
class LogHead:
    """Where the writing of a run's log stands: the next segment's number, and the watermarks asked for, by runner.

    `next_arrival` is the number that the segment gets among those of its organization (see `live_ports`).
    """

    next_segment: int
    watermarks: Mapping[str, Watermark]
    next_arrival: int = 0


class LogIndex(Protocol):
    """Manifests and watermarks (table `logs`)."""

    def get_head(self, organization: str, run_id: str, runner_ids: Iterable[str]) -> LogHead: ...

    def append(self, head: LogHead, segment: Segment, watermarks: Sequence[Watermark]) -> None:
        """In one transaction: manifest, next number, watermarks, arrival. Raises Conflict unless all is as in `head`, Transient."""

    def list_segments(self, run_id: str, from_number: int, limit: int) -> Sequence[Segment]:
        """In order, from `from_number` on."""

    def newest_segments(self, run_id: str, limit: int, before: int | None = None) -> Sequence[Segment]:
        """Newest first; of those with a number below `before`, if that is given."""


class LogSegments(Protocol):
    """The lines themselves (bucket `data`)."""

    def write(self, run_id: str, number: int, lines: Sequence[Line]) -> str:
        """Returns the key. Writing the same lines again changes nothing. Raises Transient."""

    def read(self, key: str) -> Sequence[Line]: ...


class LogStream(Protocol):
    def needed(self) -> None:
        """Tells the owner of the log stream that a run begins, so that a parked stream comes back. Never blocks the run."""


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """A line as an agent sends it: masked, without its line end."""

    seq: int
    time: str  # RFC 3339, UTC, milliseconds
    stream: str
    level: str
    text: str
    continued: bool = False
    track: int | None = None  # of an engine's line


@dataclass(frozen=True, kw_only=True)
class LogBatch:
    """Lines of one runner, in order."""

    run_id: str
    runner_id: str
    treatment: str
    attempt: int
    lines: Sequence[LogLine]
    pool: str | None = None


class LogSink(Protocol):
    def put(self, batch: LogBatch) -> int:
        """Returns the sequence number through which lines were durably taken (0 for none). Raises Transient."""


class StrayRecords(Protocol):
    """Records of the log stream that were set aside: bytes in the bucket, what is known of them in the table `logs`."""

    def keep(self, record: StrayRecord, content: bytes) -> None:
        """Keeping the same record again replaces what is known of it. Raises Transient."""

    def list(self, organization: str, limit: int) -> Sequence[StrayRecord]: ...

    def get(self, organization: str, number: str) -> StrayRecord:
        """Raises NotFound."""

    def content(self, record: StrayRecord) -> bytes:
        """Raises NotFound if the bucket's own rule has removed it, Transient."""

    def remove(self, record: StrayRecord) -> None:
        """Removing what is gone is no error."""
