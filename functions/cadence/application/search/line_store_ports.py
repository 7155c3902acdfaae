"""What a search service of its own, beside the log's segments, is asked for."""

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
    """Which lines are looked at: those of some projects of one organization, each from its time on, without some segments.

    A search never leaves it, whatever its query says.
    """

    organization: str
    since: Mapping[str, datetime]
    """By project, at least one."""
    without: Sequence[Segment]


class LineStore(Protocol):
    """Lines by (run id, segment, position), each there once however often it was put. All methods raise Transient."""

    def put(self, segments: Sequence[tuple[Segment, Sequence[Line]]]) -> Mapping[tuple[str, int], str]:
        """Once it returns, the lines are found. Answers which segments (run id, number) it will never take, and why.

        Of such a segment some lines may be found.
        """

    def search(
        self, extent: Extent, query: Query, matcher: Matcher, limit: int, bounds: SplitBounds, over: Deadline
    ) -> SplitHits:
        """At least one candidate is looked at, however late it is."""

    def count(
        self, extent: Extent, query: Query, matcher: Matcher, counting: SplitCounting, over: Deadline
    ) -> tuple[Tally, bool]:
        """The counts, and whether they are complete."""

    def remove(self, organization: str, project: str, before: datetime) -> bool:
        """Removes the project's lines that are older; whether younger ones are left."""
