"""Following lines live, across runs: how far somebody is, what they are told, and what this needs from the outside."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cadence.application.logs.ports import Line
from cadence.domain.access.access import Principal
from cadence.domain.logs.log import Segment
from cadence.domain.shared.errors import InvalidRequest, Violation

LANES = 4
"""Segments of an organization arrive in so many lanes, those of one run all in the same; each lane has an order of its own."""


_POSITION = re.compile(r"(\d{1,15})\.(\d{1,9})")


@dataclass(frozen=True)
class LivePosition:
    """How far somebody has followed: of each lane the number of the next segment, and how many lines of it were seen."""

    lanes: tuple[tuple[int, int], ...]

    def __str__(self) -> str:
        return "-".join(f"{number}.{index}" for number, index in self.lanes)

    @classmethod
    def of(cls, text: str) -> "LivePosition":
        """Raises InvalidRequest for what is no position."""
        found = [_POSITION.fullmatch(part) for part in text.split("-")]
        lanes = tuple((int(match[1]), int(match[2])) for match in found if match)
        if len(lanes) != LANES or len(found) != LANES:
            raise InvalidRequest("The cursor is not one that was handed out.", [Violation("after", "is no cursor")])
        return cls(lanes)


@dataclass(frozen=True)
class Arrival:
    """A segment, and which one in its lane it is, counted from 0."""

    number: int
    segment: Segment


@dataclass(frozen=True)
class LiveLine:
    """`index` counts the lines of the segment from 0."""

    segment: Segment
    index: int
    line: Line


@dataclass(frozen=True)
class LivePage:
    """`after` is where to go on; `more` says that there is more already."""

    lines: Sequence[LiveLine]
    after: LivePosition
    more: bool


class Arrivals(Protocol):
    """Which segments became part of their runs' logs, in that order, for about a day.

    A number is given to a segment in the transaction that makes it part of its run's log, and a lane's numbers have no
    holes. So whoever has seen all through one number has missed nothing before it, whatever comes when.
    """

    def next_numbers(self, organization: str) -> Sequence[int]:
        """Of each lane, the number that its next segment gets."""

    def list_arrivals(self, organization: str, lane: int, from_number: int, limit: int) -> Sequence[Arrival]:
        """In order, from that number on, without holes. Raises Gone if the first asked for is not kept any more."""


@dataclass(frozen=True, kw_only=True)
class LiveConnection:
    """Somebody who follows a query. Through `looked` everything has been looked at; `told` is the last position they were told."""

    connection_id: str
    principal: Principal
    query: str
    project: str | None
    looked: LivePosition
    told: LivePosition
    alive_until: datetime


class LiveConnections(Protocol):
    """Who is connected (table `logs`)."""

    def save(self, connection: LiveConnection) -> None:
        """Replaces what is known of it."""

    def get(self, connection_id: str) -> LiveConnection:
        """Raises NotFound."""

    def advance(self, seen: LiveConnection, looked: LivePosition, told: LivePosition) -> LiveConnection:
        """Raises Conflict unless it still is where it was seen."""

    def remove(self, connection_id: str) -> None:
        """Removing what is not there is no error."""

    def of_organization(self, organization: str, now: datetime) -> Sequence[LiveConnection]:
        """Those that are alive."""
