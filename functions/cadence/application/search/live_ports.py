"""Positions, pages and ports for following lines live, across runs."""

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
"""The number of lanes in which an organization's segments arrive; each lane has its own order, each run its lane."""


_POSITION = re.compile(r"(\d{1,15})\.(\d{1,9})")


@dataclass(frozen=True)
class LivePosition:
    """How far a client has followed: for each lane the next segment's number, and how many of its lines were seen."""

    lanes: tuple[tuple[int, int], ...]

    def __str__(self) -> str:
        return "-".join(f"{number}.{index}" for number, index in self.lanes)

    @classmethod
    def of(cls, text: str) -> "LivePosition":
        """Reads a position from its text. Raises InvalidRequest for any other text."""
        matches = [_POSITION.fullmatch(part) for part in text.split("-")]
        lanes = tuple((int(match[1]), int(match[2])) for match in matches if match)
        if len(lanes) != LANES or len(matches) != LANES:
            raise InvalidRequest(
                "The cursor is not valid: use one from an earlier answer.", [Violation("after", "is no cursor")]
            )
        return cls(lanes)


@dataclass(frozen=True)
class Arrival:
    """A segment and its number in its lane, counted from 0."""

    number: int
    segment: Segment


@dataclass(frozen=True)
class LiveLine:
    """A line with its segment; `index` counts the segment's lines from 0."""

    segment: Segment
    index: int
    line: Line


@dataclass(frozen=True)
class LivePage:
    """Lines that were followed; `after` is the position to go on from, `more` states that more have arrived already."""

    lines: Sequence[LiveLine]
    after: LivePosition
    more: bool


class Arrivals(Protocol):
    """Lists the segments that became part of their runs' logs, in that order, for about a day.

    A segment gets its number in the transaction that makes it part of its run's log, and a lane's numbers have no
    holes. So a client that has seen all segments through one number has missed none, in whichever order they come.
    """

    def next_numbers(self, organization: str) -> Sequence[int]:
        """Returns, for each lane, the number that its next segment gets."""

    def list_arrivals(self, organization: str, lane: int, from_number: int, limit: int) -> Sequence[Arrival]:
        """Returns arrivals in order, from `from_number` on, without holes.

        Raises Gone if the first of them is not kept any more.
        """


@dataclass(frozen=True, kw_only=True)
class LiveConnection:
    """A client that follows a query.

    All lines through `looked` have been examined; `told` is the last position that was sent to the client.
    """

    connection_id: str
    principal: Principal
    query: str
    project: str | None
    looked: LivePosition
    told: LivePosition
    alive_until: datetime


class LiveConnections(Protocol):
    """Stores the connected clients (table `logs`)."""

    def save(self, connection: LiveConnection) -> None:
        """Stores a connection in place of an earlier one with its id."""

    def get(self, connection_id: str) -> LiveConnection:
        """Returns a connection. Raises NotFound."""

    def advance(self, seen: LiveConnection, looked: LivePosition, told: LivePosition) -> LiveConnection:
        """Moves a connection's positions. Raises Conflict unless it still has the positions of `seen`."""

    def remove(self, connection_id: str) -> None:
        """Removes a connection; a missing one is no error."""

    def of_organization(self, organization: str, now: datetime) -> Sequence[LiveConnection]:
        """Returns the connections that are alive."""

    def are_there(self, organization: str, now: datetime) -> bool:
        """Returns whether anyone of the organization follows a query, or watches a run or the list of runs."""
