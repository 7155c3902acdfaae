"""What following lines live, across runs, needs from the outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cadence.domain.log import Segment

LANES = 4
"""Segments of an organization arrive in so many lanes, those of one run all in the same; each lane has an order of its own."""


@dataclass(frozen=True)
class Arrival:
    """A segment, and which one in its lane it is, counted from 0."""

    number: int
    segment: Segment


class Arrivals(Protocol):
    """Which segments became part of their runs' logs, in that order, for about a day.

    A number is given to a segment in the transaction that makes it part of its run's log, and a lane's numbers have no
    holes. So whoever has seen all through one number has missed nothing before it, whatever comes when.
    """

    def next_numbers(self, organization: str) -> Sequence[int]:
        """Of each lane, the number that its next segment gets."""

    def list_arrivals(self, organization: str, lane: int, from_number: int, limit: int) -> Sequence[Arrival]:
        """In order, from that number on, without holes. Raises Gone if the first asked for is not kept any more."""
