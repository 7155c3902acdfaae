"""Admits entries to concurrency limits. Safe to repeat; no entry is lost by an interruption at any point.

Every change is one transaction on the concurrency limit. Leaving admits the next entry in the same transaction, and
wakes it after that; an entry that was admitted and not woken is stored as such, and woken by the next call or by the
watchdog.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol, TypeVar

from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import Deadlines
from cadence.domain.limits.concurrency_limit import UNLIMITED, ConcurrencyLimit, LaneKey, LimitEntry
from cadence.domain.shared.errors import Conflict, Transient

# Between two looks of the watchdog at a concurrency limit at which entries wait.
LOOK = timedelta(seconds=60)
_MOST_LET_IN = 20  # in one transaction
_MOST_CHECKED = 1_000  # at one look
_ATTEMPTS = 40

R = TypeVar("R")


class WaiterCallbacks(Protocol):
    """What a concurrency limit calls for the entries that stand at it."""

    def wake(self, scope: str, place: LimitEntry) -> None:
        """Notifies an entry that it is inside. Safe to repeat; repeated if it raises Transient."""

    def gone(self, scope: str, places: Sequence[LimitEntry]) -> Iterable[LimitEntry]:
        """Returns the entries whose run or attempt has ended, never existed, or took another way."""


class ConcurrencyLimitStore(Protocol):
    """Concurrency limits and the entries at them (table `runs`). Reads are consistent."""

    def get(self, scope: str, holder: str | None = None) -> tuple[ConcurrencyLimit | None, LimitEntry | None]:
        """Returns the concurrency limit and the entry of `holder`; None for what does not exist."""

    def commit(
        self, concurrency_limit: ConcurrencyLimit, put: Sequence[LimitEntry], removed: Sequence[LimitEntry]
    ) -> None:
        """Writes the concurrency limit as its next version, together with its entries.

        An entry in `put` that stood elsewhere before is also in `removed`, as it stood. Raises Conflict if the stored
        version is no longer `concurrency_limit.version`.
        """

    def first_waiting(self, scope: str, lane: LaneKey, limit: int) -> Sequence[LimitEntry]:
        """Returns the first waiting entries of a lane, by ticket."""

    def waiting(self, scope: str, limit: int) -> Sequence[LimitEntry]:
        """Returns waiting entries of any lane."""

    def inside(self, scope: str, limit: int) -> Sequence[LimitEntry]:
        """Returns entries that are inside."""


@dataclass(frozen=True)
class Admittance:
    """The answer to an entry.

    `position` counts from 1 among all that wait at that moment; `ahead` is an entry inside, for messages.
    """

    inside: bool
    position: int = 0
    ahead: LimitEntry | None = None


@dataclass(frozen=True)
class ConcurrencyLimits:
    """Admits entries to concurrency limits.

    `pause` is called between two attempts at a concurrency limit that others change at the same time.
    """

    store: ConcurrencyLimitStore
    deadlines: Deadlines
    clock: Clock
    pause: Callable[[int], None]

    def enter(
        self, scope: str, limit: int, place: LimitEntry, calls: WaiterCallbacks, *, wait: bool = True
    ) -> Admittance:
        """Goes inside if there is room and no entry waits, else queues (unless `wait` is false).

        Entering twice changes nothing. `limit` applies to a concurrency limit that does not exist yet; `limit()`
        changes it. Raises Transient if others keep changing the concurrency limit.
        """
        entered = self._enter(scope, limit, place, wait=wait)
        if entered.inside:
            return entered
        stored, _ = self.store.get(scope)
        if stored is not None and (stored.checked_at is None or self.clock() >= stored.checked_at + LOOK):
            self._check(scope, calls)
        self.let_in(scope, calls)
        if not wait:
            return self._enter(scope, limit, place, wait=False)
        return replace(entered, inside=self.inside(scope, place.holder))

    def _enter(self, scope: str, limit: int, place: LimitEntry, *, wait: bool) -> Admittance:

        def attempt() -> Admittance:
            existing, standing = self.store.get(scope, place.holder)
            stored = existing or ConcurrencyLimit(scope=scope, limit=limit)
            if standing is not None:
                return self._standing(stored, standing)
            if stored.room > 0 and not stored.lanes:
                changed, entry = stored.with_ticket(replace(place, inside=True))
                self.store.commit(changed.with_inside(place.project), [entry], [])
                return Admittance(inside=True)
            if not wait:
                return Admittance(inside=False, position=stored.waiting + 1, ahead=self._first_inside(scope))
            changed, entry = stored.with_ticket(place)
            changed = self._watched(changed.with_waiting(entry))
            self.store.commit(changed, [entry], [])
            return Admittance(inside=False, position=changed.waiting, ahead=self._first_inside(scope))

        return self._retried(attempt)

    def inside(self, scope: str, holder: str) -> bool:
        """Whether `holder` is inside."""
        standing = self.standing(scope, holder)
        return standing is not None and standing.inside

    def standing(self, scope: str, holder: str) -> LimitEntry | None:
        """Returns the entry of `holder`, inside or waiting; None if it has none."""
        return self.store.get(scope, holder)[1]

    def leave(self, scope: str, holder: str, calls: WaiterCallbacks) -> None:
        """Removes an entry from inside or from the queue, and admits the next. Leaving twice changes nothing."""

        def attempt() -> bool:
            stored, standing = self.store.get(scope, holder)
            if stored is not None and standing is not None:
                stored = self._without(stored, standing)
                self.store.commit(stored, [], [standing])
            return stored is not None and stored.busy

        if self._retried(attempt):
            self.let_in(scope, calls)

    def limit(self, scope: str, limit: int, calls: WaiterCallbacks) -> None:
        """Sets the limit from now on. Entries that are inside already stay."""

        def attempt() -> bool:
            existing, _ = self.store.get(scope)
            stored = existing or ConcurrencyLimit(scope=scope, limit=UNLIMITED)
            if stored.limit == limit:
                return False
            self.store.commit(replace(stored, limit=limit), [], [])
            return stored.busy

        if self._retried(attempt):
            self.let_in(scope, calls)

    def tend(self, scope: str, calls: WaiterCallbacks) -> None:
        """Implements the watchdog's look: removes entries that have ended without leaving, admits, and wakes.

        Requests the next look while entries wait.
        """
        if self._retried(lambda: self._look_again(scope)):
            self._check(scope, calls)
            self.let_in(scope, calls)

    def before(self, scope: str, holder: str) -> Sequence[LimitEntry]:
        """Returns all entries that came before `holder`."""
        _, own = self.store.get(scope, holder)
        places = (*self.store.inside(scope, _MOST_CHECKED), *self.store.waiting(scope, _MOST_CHECKED))
        return [place for place in places if own is not None and place.ticket < own.ticket]

    def let_in(self, scope: str, calls: WaiterCallbacks) -> None:
        """Admits as many entries as there is room for, and wakes all that were admitted."""
        while self._retried(lambda: self._let_some_in(scope)):
            pass
        stored, _ = self.store.get(scope)
        woken = [holder for holder in sorted(stored.unwoken if stored else ()) if self._woken(scope, holder, calls)]
        if woken:
            self._retried(lambda: self._note_woken(scope, frozenset(woken)))

    def _look_again(self, scope: str) -> bool:
        """Requests the next look; returns False if none is needed or another one is pending."""
        stored, _ = self.store.get(scope)
        now = self.clock()
        if stored is None or stored.watched_until is None or now < stored.watched_until:
            return False
        if not stored.busy:
            self.store.commit(replace(stored, watched_until=None), [], [])
            return False
        # Requested before it is noted, so that an interrupted look is followed by another.
        self.deadlines.watch_concurrency_limit(scope, LOOK)
        self.store.commit(replace(stored, watched_until=now + LOOK), [], [])
        return True

    def _check(self, scope: str, calls: WaiterCallbacks) -> None:
        """Removes the entries that have ended, inside and waiting."""

        def note() -> None:
            stored, _ = self.store.get(scope)
            if stored is not None:
                self.store.commit(replace(stored, checked_at=self.clock()), [], [])

        self._retried(note)
        for places in (self.store.inside(scope, _MOST_CHECKED), self.store.waiting(scope, _MOST_CHECKED)):
            for place in calls.gone(scope, places):
                self.leave(scope, place.holder, calls)

    def _let_some_in(self, scope: str) -> bool:
        """Returns whether there may be more to admit."""
        stored, _ = self.store.get(scope)
        if stored is None:
            return False
        changed, put, removed = stored, list[LimitEntry](), list[LimitEntry]()
        while changed.room > 0 and len(put) < _MOST_LET_IN:
            lane = changed.next_lane()
            if lane is None:
                break
            already = sum(place.lane == lane for place in put)
            first = self.store.first_waiting(scope, lane, already + 2)[already:]
            if not first:  # others have admitted them meanwhile
                raise Conflict(f"the queue of {scope} is no longer as it was read")
            place = replace(first[0], inside=True)
            changed = changed.without_waiting(first[0], first[1].ticket if len(first) > 1 else None)
            changed = replace(changed.with_inside(place.project), unwoken=changed.unwoken | {place.holder})
            put.append(place)
            removed.append(first[0])
        if put:
            self.store.commit(self._watched(changed), put, removed)
        return len(put) == _MOST_LET_IN

    def _woken(self, scope: str, holder: str, calls: WaiterCallbacks) -> bool:
        _, place = self.store.get(scope, holder)
        if place is None or not place.inside:
            return True
        try:
            calls.wake(scope, place)
        except Transient:
            return False  # the watchdog wakes it at its next look
        return True

    def _note_woken(self, scope: str, holders: frozenset[str]) -> None:
        stored, _ = self.store.get(scope)
        if stored is not None and stored.unwoken & holders:
            self.store.commit(replace(stored, unwoken=stored.unwoken - holders), [], [])

    def _without(self, concurrency_limit: ConcurrencyLimit, place: LimitEntry) -> ConcurrencyLimit:
        if place.inside:
            changed = concurrency_limit.with_inside(place.project, -1)
            return replace(changed, unwoken=changed.unwoken - {place.holder})
        following = [
            entry for entry in self.store.first_waiting(concurrency_limit.scope, place.lane, 2) if entry != place
        ]
        return concurrency_limit.without_waiting(place, following[0].ticket if following else None)

    def _standing(self, concurrency_limit: ConcurrencyLimit, place: LimitEntry) -> Admittance:
        if place.inside:
            return Admittance(inside=True)
        return Admittance(
            inside=False, position=concurrency_limit.waiting, ahead=self._first_inside(concurrency_limit.scope)
        )

    def _first_inside(self, scope: str) -> LimitEntry | None:
        return next(iter(self.store.inside(scope, 1)), None)

    def _watched(self, concurrency_limit: ConcurrencyLimit) -> ConcurrencyLimit:
        """Returns the limit with a look of the watchdog pending. It is requested before the change is written."""
        now = self.clock()
        if concurrency_limit.watched_until is not None and now < concurrency_limit.watched_until + LOOK:
            return concurrency_limit
        self.deadlines.watch_concurrency_limit(concurrency_limit.scope, LOOK)
        return replace(concurrency_limit, watched_until=now + LOOK)

    def _retried(self, attempt: Callable[[], R]) -> R:
        for number in range(_ATTEMPTS - 1):
            try:
                return attempt()
            except (Conflict, Transient):
                self.pause(number)
        try:
            return attempt()
        except Conflict as error:
            raise Transient(error.message) from error
