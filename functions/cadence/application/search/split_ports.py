"""What building, merging and searching splits need from the outside."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from cadence.application.logs.ports import Line
from cadence.application.search.ports import Hit, LinePosition
from cadence.domain.logs.log import Segment
from cadence.domain.search.matching import Matcher
from cadence.domain.search.query import FieldName, Query
from cadence.domain.search.split import Split, SplitFacts

Deadline = Callable[[], bool]
"""Whether the time for a search is over."""

Tally = dict[tuple[int | None, str | None], int]
"""Lines by (start of the interval in seconds since 1970, value of the field)."""


@dataclass(frozen=True)
class SplitHits:
    """Matching lines, newest first. If `down_to` is set, only lines from that place on have been looked at."""

    hits: Sequence[Hit]
    down_to: LinePosition | None = None


@dataclass(frozen=True)
class SplitBounds:
    """Rows to look at: places below `before`, not below `from_place` (None: without bound)."""

    before: LinePosition | None = None
    from_place: LinePosition | None = None


@dataclass(frozen=True)
class SplitCounting:
    """What to count by: a field, intervals of whole seconds, both or nothing."""

    by: FieldName | None
    interval: timedelta | None


class OpenSplit(Protocol):
    """A split at hand."""

    def search(self, query: Query, matcher: Matcher, limit: int, bounds: SplitBounds, over: Deadline) -> SplitHits:
        """At least one candidate is looked at, however late it is."""

    def count(self, query: Query, matcher: Matcher, counting: SplitCounting, over: Deadline) -> tuple[Tally, bool]:
        """The counts, and whether they are complete."""


class SplitBuilding(Protocol):
    """A split that is being built from segments."""

    @property
    def text_bytes(self) -> int:
        """About how much text is in it by now."""

    def add(self, segment: Segment, lines: Sequence[Line]) -> None:
        """All lines of a segment. Raises InvalidRequest if one of them is no log line; then none of them is in."""

    def finish(self) -> "BuiltSplit":
        """Once, and not before there is a line in it."""


class Splits(Protocol):
    """Splits as objects in the bucket `data`, and those at hand on this machine."""

    def may_match(self, split: Split, query: Query) -> bool:
        """By the words in it; reads no more than the head of a split that is not at hand. True if that is gone."""

    def open(self, split: Split) -> OpenSplit | None:
        """None if the object is not there any more. Raises Transient."""

    def build(self, organization: str, project: str) -> AbstractContextManager[SplitBuilding]:
        """Its file goes with the context."""

    def merge(
        self, organization: str, project: str, splits: Sequence[OpenSplit]
    ) -> "AbstractContextManager[BuiltSplit]":
        """One split of several, each opened by this. Its file goes with the context."""

    def put(self, built: "BuiltSplit", key: str) -> None: ...

    def remove(self, keys: Iterable[str]) -> None:
        """Removing what is not there is no error."""


@dataclass(frozen=True)
class BuiltSplit:
    file: Path
    facts: SplitFacts


@dataclass(frozen=True, kw_only=True)
class IndexState:
    """How a project's index stood when it was read: with `version`, only one of several writers gets on.

    `retention` is None as long as the project has none of its own.
    """

    organization: str
    project: str
    version: int
    due_at: datetime | None
    retention: timedelta | None


@dataclass(frozen=True)
class SkippedSegment:
    """A segment that could not be indexed, and why. Its lines are in the run's log, but are not found by search."""

    segment: Segment
    cause: str
    at: datetime


class SplitCatalogue(Protocol):
    """What is fresh and what is in which split (table `logs`). All reads are consistent."""

    def get_state(self, organization: str, project: str) -> IndexState:
        """Version 0 for a project without one."""

    def list_fresh(self, organization: str, project: str) -> Sequence[Segment]: ...

    def list_splits(self, organization: str, project: str) -> Sequence[Split]: ...

    def add_split(self, state: IndexState, split: Split) -> IndexState:
        """In one transaction: the split is there, and the version goes up. Raises Conflict unless the state is as it was read."""

    def note_look(self, state: IndexState, due_at: datetime | None) -> None:
        """The version goes up. Raises Conflict unless the state is as it was read."""

    def replace(self, old: Sequence[Split], new: Split | None) -> None:
        """In one transaction, at most 90 old ones. Raises Conflict unless all of the old are there."""

    def forget_fresh(self, segments: Sequence[Segment]) -> None:
        """Only of segments that a split covers. Forgetting what is forgotten is no error."""

    def skip_segment(self, segment: Segment, cause: str, at: datetime) -> None:
        """In one transaction, it is no longer fresh. Raises Conflict unless it was."""

    def list_skipped_segments(self, organization: str, project: str) -> Sequence[SkippedSegment]: ...

    def take_back(self, segment: Segment) -> None:
        """It is fresh again. Raises Conflict unless it was set aside."""

    def discard(self, segment: Segment) -> None:
        """It is not set aside any more, and never found by search. Discarding what is gone is no error."""

    def put_retention(self, organization: str, project: str, retention: timedelta | None, at: datetime) -> None:
        """None: it has none of its own. The project is due at once."""

    def list_due(self, now: datetime, limit: int) -> Sequence[tuple[str, str]]:
        """Organization and project of those whose time has come."""
