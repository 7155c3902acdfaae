"""Ports for building, merging and searching splits."""

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
"""Returns True if the time for a search is over."""

Tally = dict[tuple[int | None, str | None], int]
"""Lines by (start of the interval in seconds since 1970, value of the field)."""


@dataclass(frozen=True)
class SplitHits:
    """Matching lines, newest first; if `down_to` is set, only lines from that position on have been examined."""

    hits: Sequence[Hit]
    down_to: LinePosition | None = None


@dataclass(frozen=True)
class SplitBounds:
    """The bounds of a search: positions below `before`, not below `from_place` (None: without bound)."""

    before: LinePosition | None = None
    from_place: LinePosition | None = None


@dataclass(frozen=True)
class SplitCounting:
    """The grouping of counts: by a field, by intervals of whole seconds, by both or by neither."""

    by: FieldName | None
    interval: timedelta | None


class OpenSplit(Protocol):
    """A split on this machine."""

    def search(self, query: Query, matcher: Matcher, limit: int, bounds: SplitBounds, over: Deadline) -> SplitHits:
        """Returns matching lines; at least one candidate is examined, even if the time is over."""

    def count(self, query: Query, matcher: Matcher, counting: SplitCounting, over: Deadline) -> tuple[Tally, bool]:
        """Returns the counts, and whether they are complete."""


class SplitBuilding(Protocol):
    """A split that is being built from segments."""

    @property
    def text_bytes(self) -> int:
        """The approximate number of bytes of text in it by now."""

    def add(self, segment: Segment, lines: Sequence[Line]) -> None:
        """Adds all lines of a segment; none if it raises InvalidRequest, since one of them is no log line."""

    def finish(self) -> "BuiltSplit":
        """Finishes the split, which must hold a line; to be called once."""


class Splits(Protocol):
    """Builds, stores and opens splits, which are objects in the bucket `data`; some are on this machine."""

    def may_match(self, split: Split, query: Query) -> bool:
        """Returns True if a split may hold matching lines, by its words, or if its object is gone.

        Reads no more than the head of a split that is not on this machine.
        """

    def open(self, split: Split) -> OpenSplit | None:
        """Opens a split; None if its object is gone. Raises Transient."""

    def build(self, organization: str, project: str) -> AbstractContextManager[SplitBuilding]:
        """Builds a split, whose file is removed at the end of the context."""

    def merge(
        self, organization: str, project: str, splits: Sequence[OpenSplit]
    ) -> "AbstractContextManager[BuiltSplit]":
        """Merges splits that `open` returned; the new split's file is removed at the end of the context."""

    def put(self, built: "BuiltSplit", key: str) -> None: ...

    def remove(self, keys: Iterable[str]) -> None:
        """Removes objects; missing ones are no error."""


@dataclass(frozen=True)
class BuiltSplit:
    """A finished split's file and facts."""

    file: Path
    facts: SplitFacts


@dataclass(frozen=True, kw_only=True)
class IndexState:
    """The state of a project's index when it was read; with `version`, only one of several writers succeeds.

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
    """Lists the fresh segments and the splits of projects (table `logs`). All reads are consistent."""

    def get_state(self, organization: str, project: str) -> IndexState:
        """Returns a project's state, with version 0 if it has none."""

    def list_fresh(self, organization: str, project: str) -> Sequence[Segment]: ...

    def list_splits(self, organization: str, project: str) -> Sequence[Split]: ...

    def add_split(self, state: IndexState, split: Split) -> IndexState:
        """Adds a split and increments the version, in one transaction.

        Raises Conflict unless the state is as it was read.
        """

    def note_look(self, state: IndexState, due_at: datetime | None) -> None:
        """Sets when to look again, and increments the version. Raises Conflict unless the state is as it was read."""

    def replace(self, old: Sequence[Split], new: Split | None) -> None:
        """Replaces at most 90 splits by a new one or none, in one transaction. Raises Conflict unless all exist."""

    def forget_fresh(self, segments: Sequence[Segment]) -> None:
        """Removes segments that a split covers from the fresh ones; a segment that is not fresh is no error."""

    def skip_segment(self, segment: Segment, cause: str, at: datetime) -> None:
        """Sets a fresh segment aside, in one transaction. Raises Conflict unless it was fresh."""

    def list_skipped_segments(self, organization: str, project: str) -> Sequence[SkippedSegment]: ...

    def take_back(self, segment: Segment) -> None:
        """Makes a segment fresh again. Raises Conflict unless it was set aside."""

    def discard(self, segment: Segment) -> None:
        """Removes a segment that was set aside, so that search never finds it; a missing one is no error."""

    def put_retention(self, organization: str, project: str, retention: timedelta | None, at: datetime) -> None:
        """Sets the project's own retention (None: it has none) and makes the project due at once."""

    def list_due(self, now: datetime, limit: int) -> Sequence[tuple[str, str]]:
        """Returns organization and project of those that are due at `now`."""
