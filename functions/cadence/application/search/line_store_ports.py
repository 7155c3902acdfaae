"""The port to a search service that holds lines beside the log's segments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cadence.application.logs.ports import Line
from cadence.application.search.split_ports import Deadline, SplitBounds, SplitCounting, SplitHits, Tally
from cadence.domain.logs.log import Segment
from cadence.domain.search.matching import Matcher
from cadence.domain.search.query import Query


@dataclass(frozen=True)
class Extent:
    """The lines that are searched: those of some projects of one organization, each from its time on.

    `since` are the times by project, at least one; lines of the segments in `without` are left out. A search never
    leaves its extent, whatever its query contains.
    """

    organization: str
    since: Mapping[str, datetime]
    without: Sequence[Segment]


class LineStore(Protocol):
    """Stores lines by (run id, segment, position), each once however often it was put. All methods raise Transient."""

    def put(self, segments: Sequence[tuple[Segment, Sequence[Line]]]) -> Mapping[tuple[str, int], str]:
        """Stores segments' lines, which are found once it returns.

        Returns the segments (run id, number) that it will never take, and why; some of their lines may be found.
        """

    def search(
        self, extent: Extent, query: Query, matcher: Matcher, limit: int, bounds: SplitBounds, over: Deadline
    ) -> SplitHits:
        """Returns matching lines; at least one candidate is examined, even if the time is over."""

    def count(
        self, extent: Extent, query: Query, matcher: Matcher, counting: SplitCounting, over: Deadline
    ) -> tuple[Tally, bool]:
        """Returns the counts, and whether they are complete."""

    def remove(self, organization: str, project: str, before: datetime) -> bool:
        """Removes the project's lines that are older; returns True if younger ones remain."""
