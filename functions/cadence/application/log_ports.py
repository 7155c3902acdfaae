"""What indexing and reading logs need from the outside."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cadence.domain.log import Segment, Watermark
from cadence.domain.run import Run

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
