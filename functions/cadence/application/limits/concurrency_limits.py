"""Entering and leaving concurrency limits: safe to repeat, and interrupted at any point nobody is forgotten.

Every change is one transaction on the concurrency limit. Who leaves lets the next one in with the same transaction, and wakes it
after; who was let in and not woken is remembered, and woken by whoever comes next or by the watchdog.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol, TypeVar

from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import Deadlines
from cadence.domain.limits.concurrency_limit import UNLIMITED, ConcurrencyLimit, LaneKey, LimitEntry
from cadence.domain.shared.errors import Conflict, Transient

# Between two looks of the watchdog at a concurrency limit where somebody waits.
LOOK = timedelta(seconds=60)
_MOST_LET_IN = 20  # in one transaction
_MOST_CHECKED = 1_000  # at one look
_ATTEMPTS = 40

R = TypeVar("R")


class WaiterCallbacks(Protocol):
    """What whoever stands at a concurrency limit is to it."""

    def wake(self, scope: str, place: LimitEntry) -> None:
        """Tells it that it is inside. Safe to repeat; repeated if it raises Transient."""

    def gone(self, scope: str, places: Sequence[LimitEntry]) -> Iterable[LimitEntry]:
        """Those of the places whose run or attempt has ended, never was, or went another way."""


class ConcurrencyLimitStore(Protocol):
    """Concurrency limits and the places at them (table `runs`). Reads are consistent."""

    def get(self, scope: str, holder: str | None = None) -> tuple[ConcurrencyLimit | None, LimitEntry | None]:
        """The concurrency limit, and where `holder` stands; None for what is not there."""

    def commit(
        self, concurrency_limit: ConcurrencyLimit, put: Sequence[LimitEntry], removed: Sequence[LimitEntry]
    ) -> None:
        """Writes the concurrency limit as its next version together with its places. Raises Conflict if it is no longer at `concurrency_limit.version`.

        A place in `put` that stood elsewhere before is also in `removed`, as it stood.
        """

    def first_waiting(self, scope: str, lane: LaneKey, limit: int) -> Sequence[LimitEntry]:
        """By ticket."""

    def waiting(self, scope: str, limit: int) -> Sequence[LimitEntry]:
        """Anybody who waits."""

    def inside(self, scope: str, limit: int) -> Sequence[LimitEntry]: ...


@dataclass(frozen=True)
class Admittance:
    """`position` counts from 1 among all that wait at that moment; `ahead` is somebody inside, for words."""

    inside: bool
    position: int = 0
    ahead: LimitEntry | None = None


@dataclass(frozen=True)
class ConcurrencyLimits:
    """`pause` is called between two attempts at a concurrency limit that others change at the same time."""

    store: ConcurrencyLimitStore
    deadlines: Deadlines
    clock: Clock
    pause: Callable[[int], None]

    def enter(
        self, scope: str, limit: int, place: LimitEntry, calls: WaiterCallbacks, *, wait: bool = True
    ) -> Admittance:
        """Goes inside if there is room and nobody waits, else queues (unless `wait` is false). Entering twice changes nothing.

        `limit` is that of a concurrency limit nobody has come to yet; `limit()` changes it.

        Raises Transient if others change the concurrency limit all the time.
        """
        entered = self._enter(scope, limit, place, wait=wait)
        if entered.inside:
            return entered
        found, _ = self.store.get(scope)
        if found is not None and (found.checked_at is None or self.clock() >= found.checked_at + LOOK):
            self._check(scope, calls)
        self.let_in(scope, calls)
        if not wait:
            return self._enter(scope, limit, place, wait=False)
        return replace(entered, inside=self.inside(scope, place.holder))

    def _enter(self, scope: str, limit: int, place: LimitEntry, *, wait: bool) -> Admittance:

        def attempt() -> Admittance:
            found, standing = self.store.get(scope, place.holder)
            stored = found or ConcurrencyLimit(scope=scope, limit=limit)
            if standing is not None:
                return self._standing(stored, standing)
            if stored.room > 0 and not stored.lanes:
                changed, mine = stored.with_ticket(replace(place, inside=True))
                self.store.commit(changed.with_inside(place.project), [mine], [])
                return Admittance(inside=True)
            if not wait:
                return Admittance(inside=False, position=stored.waiting + 1, ahead=self._anybody(scope))
            changed, mine = stored.with_ticket(place)
            changed = self._watched(changed.with_waiting(mine))
            self.store.commit(changed, [mine], [])
            return Admittance(inside=False, position=changed.waiting, ahead=self._anybody(scope))

        return self._insist(attempt)

    def inside(self, scope: str, holder: str) -> bool:
        _, standing = self.store.get(scope, holder)
        return standing is not None and standing.inside

    def leave(self, scope: str, holder: str, calls: WaiterCallbacks) -> None:
        """Goes away, from inside or from the queue, and lets in who is next. Leaving twice changes nothing."""

        def attempt() -> bool:
            found, standing = self.store.get(scope, holder)
            if found is not None and standing is not None:
                found = self._without(found, standing)
                self.store.commit(found, [], [standing])
            return found is not None and found.busy

        if self._insist(attempt):
            self.let_in(scope, calls)

    def limit(self, scope: str, limit: int, calls: WaiterCallbacks) -> None:
        """Another limit from now on. Who is inside already stays."""

        def attempt() -> bool:
            found, _ = self.store.get(scope)
            stored = found or ConcurrencyLimit(scope=scope, limit=UNLIMITED)
            if stored.limit == limit:
                return False
            self.store.commit(replace(stored, limit=limit), [], [])
            return stored.busy

        if self._insist(attempt):
            self.let_in(scope, calls)

    def tend(self, scope: str, calls: WaiterCallbacks) -> None:
        """The watchdog's look: puts out who has ended without leaving, lets in, wakes, and looks again while somebody waits."""
        if self._insist(lambda: self._look_again(scope)):
            self._check(scope, calls)
            self.let_in(scope, calls)

    def before(self, scope: str, holder: str) -> Sequence[LimitEntry]:
        """All who came before `holder`."""
        _, mine = self.store.get(scope, holder)
        places = (*self.store.inside(scope, _MOST_CHECKED), *self.store.waiting(scope, _MOST_CHECKED))
        return [place for place in places if mine is not None and place.ticket < mine.ticket]

    def let_in(self, scope: str, calls: WaiterCallbacks) -> None:
        """Lets in as many as there is room for, and wakes all that were let in."""
        while self._insist(lambda: self._let_some_in(scope)):
            pass
        found, _ = self.store.get(scope)
        woken = [holder for holder in sorted(found.unwoken if found else ()) if self._woken(scope, holder, calls)]
        if woken:
            self._insist(lambda: self._note_woken(scope, frozenset(woken)))

    def _look_again(self, scope: str) -> bool:
        """Sends the next look, unless nobody needs it or another one is on its way: then False."""
        found, _ = self.store.get(scope)
        now = self.clock()
        if found is None or found.watched_until is None or now < found.watched_until:
            return False
        if not found.busy:
            self.store.commit(replace(found, watched_until=None), [], [])
            return False
        # Before it is noted, so that an interrupted look is followed by another.
        self.deadlines.watch_concurrency_limit(scope, LOOK)
        self.store.commit(replace(found, watched_until=now + LOOK), [], [])
        return True

    def _check(self, scope: str, calls: WaiterCallbacks) -> None:
        """Removes those who have ended, inside and waiting."""

        def note() -> None:
            found, _ = self.store.get(scope)
            if found is not None:
                self.store.commit(replace(found, checked_at=self.clock()), [], [])

        self._insist(note)
        for places in (self.store.inside(scope, _MOST_CHECKED), self.store.waiting(scope, _MOST_CHECKED)):
            for place in calls.gone(scope, places):
                self.leave(scope, place.holder, calls)

    def _let_some_in(self, scope: str) -> bool:
        """True if there may be more to let in."""
        found, _ = self.store.get(scope)
        if found is None:
            return False
        changed, put, removed = found, list[LimitEntry](), list[LimitEntry]()
        while changed.room > 0 and len(put) < _MOST_LET_IN:
            lane = changed.next_lane()
            if lane is None:
                break
            already = sum(place.lane == lane for place in put)
            first = self.store.first_waiting(scope, lane, already + 2)[already:]
            if not first:  # others have let them in meanwhile
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
        found, _ = self.store.get(scope)
        if found is not None and found.unwoken & holders:
            self.store.commit(replace(found, unwoken=found.unwoken - holders), [], [])

    def _without(self, concurrency_limit: ConcurrencyLimit, place: LimitEntry) -> ConcurrencyLimit:
        if place.inside:
            changed = concurrency_limit.with_inside(place.project, -1)
            return replace(changed, unwoken=changed.unwoken - {place.holder})
        following = [one for one in self.store.first_waiting(concurrency_limit.scope, place.lane, 2) if one != place]
        return concurrency_limit.without_waiting(place, following[0].ticket if following else None)

    def _standing(self, concurrency_limit: ConcurrencyLimit, place: LimitEntry) -> Admittance:
        if place.inside:
            return Admittance(inside=True)
        return Admittance(
            inside=False, position=concurrency_limit.waiting, ahead=self._anybody(concurrency_limit.scope)
        )

    def _anybody(self, scope: str) -> LimitEntry | None:
        return next(iter(self.store.inside(scope, 1)), None)

    def _watched(self, concurrency_limit: ConcurrencyLimit) -> ConcurrencyLimit:
        """With a look of the watchdog on its way. It is sent before the change is written, so that none is without."""
        now = self.clock()
        if concurrency_limit.watched_until is not None and now < concurrency_limit.watched_until + LOOK:
            return concurrency_limit
        self.deadlines.watch_concurrency_limit(concurrency_limit.scope, LOOK)
        return replace(concurrency_limit, watched_until=now + LOOK)

    def _insist(self, attempt: Callable[[], R]) -> R:
        for number in range(_ATTEMPTS - 1):
            try:
                return attempt()
            except (Conflict, Transient):
                self.pause(number)
        try:
            return attempt()
        except Conflict as error:
            raise Transient(error.message) from error
