"""Concurrency limits, which admit a fixed number of entries at a time; the others wait for their turn.

Each waiting entry belongs to the lane of a priority and a project. The next entry to be admitted comes from the highest
priority, among these from the project with the fewest entries inside, among these the one that came first. The state
that this needs is in `ConcurrencyLimit`, which stays small however many entries wait.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

UNLIMITED = 2**31
_LONGEST_GROUP = 200


class LaneKey(NamedTuple):
    """The priority and the project of a lane."""

    priority: int
    project: str


@dataclass(frozen=True)
class WaitingLane:
    """The entries that wait with one priority in one project: their number, and the lowest of their tickets."""

    waiting: int
    first: int


@dataclass(frozen=True, kw_only=True)
class LimitEntry:
    """A run or an attempt of a treatment at a concurrency limit: inside, or waiting with a ticket.

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
        """The lane in which the entry waits."""
        return LaneKey(self.priority, self.project)


@dataclass(frozen=True, kw_only=True)
class ConcurrencyLimit:
    """The state of one concurrency limit.

    `inside` counts the admitted entries by project. `unwoken` are holders that were admitted when another left and may
    not have been notified yet. `watched_until` is the time up to which the watchdog's next check is scheduled,
    `checked_at` the time when the admitted entries were last checked. `version` counts changes.
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
        """The number of further entries that can be admitted now."""
        return self.limit - sum(self.inside.values())

    @property
    def waiting(self) -> int:
        """The number of entries that wait in all lanes."""
        return sum(lane.waiting for lane in self.lanes.values())

    @property
    def busy(self) -> bool:
        """Whether an entry waits, or was admitted without having been notified for certain."""
        return bool(self.lanes or self.unwoken)

    def next_lane(self) -> LaneKey | None:
        """Returns the lane whose first entry is admitted next; None if no entry waits."""
        if not self.lanes:
            return None
        return min(self.lanes, key=lambda key: (-key.priority, self.inside.get(key.project, 0), self.lanes[key].first))

    def with_ticket(self, place: LimitEntry) -> tuple["ConcurrencyLimit", LimitEntry]:
        """Returns the limit and the entry after the entry drew the next ticket."""
        return replace(self, next_ticket=self.next_ticket + 1), replace(place, ticket=self.next_ticket)

    def with_inside(self, project: str, by: int = 1) -> "ConcurrencyLimit":
        """Returns the limit with `by` more admitted entries (fewer if negative) of a project."""
        count = self.inside.get(project, 0) + by
        others = {name: number for name, number in self.inside.items() if name != project}
        return replace(self, inside=others | {project: count} if count > 0 else others)

    def with_waiting(self, place: LimitEntry) -> "ConcurrencyLimit":
        """Returns the limit with a further waiting entry."""
        lane = self.lanes.get(place.lane)
        queued = WaitingLane(lane.waiting + 1, min(lane.first, place.ticket)) if lane else WaitingLane(1, place.ticket)
        return replace(self, lanes={**self.lanes, place.lane: queued})

    def without_waiting(self, place: LimitEntry, first: int | None) -> "ConcurrencyLimit":
        """Returns the limit without a waiting entry.

        `first` is the lowest ticket in the entry's lane afterwards, None if the lane is empty.
        """
        others = {key: lane for key, lane in self.lanes.items() if key != place.lane}
        if first is None:
            return replace(self, lanes=others)
        return replace(self, lanes=others | {place.lane: WaitingLane(self.lanes[place.lane].waiting - 1, first)})


def in_turn(places: Iterable[LimitEntry]) -> list[LimitEntry]:
    """Returns waiting entries by priority and then by ticket.

    This is about the order in which they are admitted: it leaves out the fair shares of projects.
    """
    return sorted(places, key=lambda place: (-place.priority, place.ticket))


def concurrency_group(organization: str, project: str, group: str) -> str:
    """Returns the scope of a project's concurrency group; the name of a long group is replaced by its SHA-256."""
    if len(group) > _LONGEST_GROUP:
        group = hashlib.sha256(group.encode()).hexdigest()
    return f"GROUP#{organization}#{project}#{group}"


def running_runs(organization: str) -> str:
    """Returns the scope of the limit of an organization's running runs."""
    return f"RUNS#{organization}"


def runners(organization: str) -> str:
    """Returns the scope of the limit of an organization's runners."""
    return f"RUNNERS#{organization}"


def pool_runners(organization: str, pool: str) -> str:
    """Returns the scope of the limit of a pool's runners."""
    return f"POOL#{organization}#{pool}"


def is_for_runs(scope: str) -> bool:
    """Whether the entries of a scope are runs, not attempts of treatments."""
    return scope.startswith(("GROUP#", "RUNS#"))


def pool_of(scope: str) -> str | None:
    """Returns the pool of a scope from `pool_runners`; None for other scopes."""
    return scope.split("#")[2] if scope.startswith("POOL#") else None
