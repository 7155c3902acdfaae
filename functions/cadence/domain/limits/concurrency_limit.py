"""Concurrency limits: at most so many may be inside at a time, the others wait for their turn.

Whoever waits stands in the lane of a priority and a project. The next one in comes from the highest priority, there from
the project with the fewest inside, there from whoever came first. All that this takes is in `ConcurrencyLimit`, which stays small
however many wait.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

UNLIMITED = 2**31
_LONGEST_GROUP = 200


class LaneKey(NamedTuple):
    priority: int
    project: str


@dataclass(frozen=True)
class WaitingLane:
    """Who waits with one priority in one project: how many, and the ticket of whoever came first."""

    waiting: int
    first: int


@dataclass(frozen=True, kw_only=True)
class LimitEntry:
    """Where a run or an attempt of a treatment stands at a concurrency limit: inside, or waiting with a ticket.

    `holder` is unique: a run's id, or the id of an attempt's runner. `treatment` is None for a run.
    """

    holder: str
    run_id: str
    project: str
    priority: int = 0
    treatment: str | None = None
    attempt: int = 1
    ticket: int = 0
    inside: bool = False

    @property
    def lane(self) -> LaneKey:
        return LaneKey(self.priority, self.project)


@dataclass(frozen=True, kw_only=True)
class ConcurrencyLimit:
    """`inside` counts by project. `unwoken` were let in by another's leaving and may not have been told yet.

    `watched_until` says how far the watchdog's next look is on its way, `checked_at` when those inside were last looked at.
    `version` counts changes.
    """

    scope: str
    limit: int
    next_ticket: int = 1
    inside: Mapping[str, int] = field(default_factory=dict)
    lanes: Mapping[LaneKey, WaitingLane] = field(default_factory=dict)
    unwoken: frozenset[str] = frozenset()
    watched_until: datetime | None = None
    checked_at: datetime | None = None
    version: int = 0

    @property
    def room(self) -> int:
        return self.limit - sum(self.inside.values())

    @property
    def waiting(self) -> int:
        return sum(lane.waiting for lane in self.lanes.values())

    @property
    def busy(self) -> bool:
        """Whether somebody depends on a hand-on."""
        return bool(self.lanes or self.unwoken)

    def next_lane(self) -> LaneKey | None:
        """Whose first waiting is the next to enter; None if nobody waits."""
        if not self.lanes:
            return None
        return min(self.lanes, key=lambda key: (-key.priority, self.inside.get(key.project, 0), self.lanes[key].first))

    def with_ticket(self, place: LimitEntry) -> tuple["ConcurrencyLimit", LimitEntry]:
        return replace(self, next_ticket=self.next_ticket + 1), replace(place, ticket=self.next_ticket)

    def with_inside(self, project: str, by: int = 1) -> "ConcurrencyLimit":
        count = self.inside.get(project, 0) + by
        others = {name: number for name, number in self.inside.items() if name != project}
        return replace(self, inside=others | {project: count} if count > 0 else others)

    def with_waiting(self, place: LimitEntry) -> "ConcurrencyLimit":
        lane = self.lanes.get(place.lane)
        queued = WaitingLane(lane.waiting + 1, min(lane.first, place.ticket)) if lane else WaitingLane(1, place.ticket)
        return replace(self, lanes={**self.lanes, place.lane: queued})

    def without_waiting(self, place: LimitEntry, first: int | None) -> "ConcurrencyLimit":
        """`first` is the ticket of whoever is first in the lane afterwards, None if nobody is left there."""
        others = {key: lane for key, lane in self.lanes.items() if key != place.lane}
        if first is None:
            return replace(self, lanes=others)
        return replace(self, lanes=others | {place.lane: WaitingLane(self.lanes[place.lane].waiting - 1, first)})


def in_turn(places: Iterable[LimitEntry]) -> list[LimitEntry]:
    """Those who wait, by priority and then by ticket: about the order in which they go in, but for the shares of projects."""
    return sorted(places, key=lambda place: (-place.priority, place.ticket))


def concurrency_group(organization: str, project: str, group: str) -> str:
    """The scope of a project's concurrency group."""
    if len(group) > _LONGEST_GROUP:
        group = hashlib.sha256(group.encode()).hexdigest()
    return f"GROUP#{organization}#{project}#{group}"


def running_runs(organization: str) -> str:
    return f"RUNS#{organization}"


def runners(organization: str) -> str:
    return f"RUNNERS#{organization}"


def pool_runners(organization: str, pool: str) -> str:
    return f"POOL#{organization}#{pool}"


def is_for_runs(scope: str) -> bool:
    """Whether runs stand there, not attempts of treatments."""
    return scope.startswith(("GROUP#", "RUNS#"))


def pool_of(scope: str) -> str | None:
    return scope.split("#")[2] if scope.startswith("POOL#") else None
