"""What every `ConcurrencyLimitStore` holds to."""

import dataclasses
import threading
import time
from datetime import timedelta

import pytest

from cadence.application.limits.concurrency_limits import ConcurrencyLimits, ConcurrencyLimitStore
from cadence.domain.limits.concurrency_limit import ConcurrencyLimit, LaneKey, LimitEntry, WaitingLane
from cadence.domain.shared.errors import Conflict
from tests.fakes.services import ManualClock, MemoryDeadlines

SCOPE = "RUNS#acme"


class Nobody:
    def wake(self, scope: str, place: LimitEntry) -> None:
        pass

    def gone(self, scope: str, places: object) -> tuple[()]:
        return ()


def place(holder: str, ticket: int, project: str = "site", priority: int = 0, *, inside: bool = False) -> LimitEntry:
    return LimitEntry(
        holder=holder,
        run_id=f"run-{holder}",
        project=project,
        priority=priority,
        treatment="build",
        attempt=2,
        ticket=ticket,
        inside=inside,
    )


def committed(store: ConcurrencyLimitStore, *places: LimitEntry, **fields: object) -> ConcurrencyLimit:
    store.commit(dataclasses.replace(ConcurrencyLimit(scope=SCOPE, limit=3), **fields), places, [])  # type: ignore[arg-type]
    stored, _ = store.get(SCOPE)
    assert stored is not None
    return stored


def test_what_was_written_is_read(store: ConcurrencyLimitStore) -> None:
    now = ManualClock().now
    inside, waiting = place("a", 1, inside=True), place("b", 2, priority=-3)
    stored = committed(
        store,
        inside,
        waiting,
        next_ticket=3,
        inside={"site": 1},
        lanes={LaneKey(-3, "site"): WaitingLane(1, 2)},
        unwoken=frozenset({"a"}),
        watched_until=now,
        checked_at=now + timedelta(seconds=1),
    )
    assert stored == ConcurrencyLimit(
        scope=SCOPE,
        limit=3,
        next_ticket=3,
        inside={"site": 1},
        lanes={LaneKey(-3, "site"): WaitingLane(1, 2)},
        unwoken=frozenset({"a"}),
        watched_until=now,
        checked_at=now + timedelta(seconds=1),
        version=1,
    )
    assert store.get(SCOPE, "a")[1] == inside
    assert store.get(SCOPE, "b")[1] == waiting
    assert store.get(SCOPE, "c") == (stored, None)
    assert store.get("RUNS#other", "a") == (None, None)


def test_a_change_of_something_older_is_refused_whole(store: ConcurrencyLimitStore) -> None:
    stored = committed(store, place("a", 1))
    store.commit(stored, [place("b", 2)], [])
    for stale in (stored, ConcurrencyLimit(scope=SCOPE, limit=3)):
        with pytest.raises(Conflict):
            store.commit(stale, [place("c", 3)], [place("a", 1)])
    assert [one.holder for one in store.waiting(SCOPE, 10)] == ["a", "b"]


def test_those_who_wait_are_read_by_priority_and_lane_in_order(store: ConcurrencyLimitStore) -> None:
    places = [place(f"h{ticket:02}", ticket, "site" if ticket % 2 else "shop", ticket % 3) for ticket in range(1, 13)]
    committed(store, *places, place("in", 99, inside=True))
    assert [one.ticket for one in store.first_waiting(SCOPE, LaneKey(2, "site"), 5)] == [5, 11]
    assert [one.ticket for one in store.first_waiting(SCOPE, LaneKey(2, "site"), 1)] == [5]
    assert [one.priority for one in store.waiting(SCOPE, 100)] == [2] * 4 + [1] * 4 + [0] * 4
    assert [one.holder for one in store.inside(SCOPE, 10)] == ["in"]
    assert len(store.waiting(SCOPE, 5)) == 5


def test_a_place_moves_from_the_queue_to_inside_and_away(store: ConcurrencyLimitStore) -> None:
    stored = committed(store, place("a", 1), place("b", 2))
    store.commit(stored, [place("a", 1, inside=True)], [place("a", 1)])
    assert [one.holder for one in store.waiting(SCOPE, 10)] == ["b"]
    assert store.get(SCOPE, "a")[1] == place("a", 1, inside=True)
    moved, _ = store.get(SCOPE)
    assert moved is not None
    store.commit(moved, [], [place("a", 1, inside=True)])
    assert store.get(SCOPE, "a")[1] is None
    assert store.inside(SCOPE, 10) == []


def test_many_at_once_are_all_let_in_one_after_another(store: ConcurrencyLimitStore) -> None:
    concurrency_limits = ConcurrencyLimits(
        store, MemoryDeadlines(), ManualClock(), lambda attempt: time.sleep(0.001 * attempt)
    )
    names = [f"h{number:02}" for number in range(12)]

    def come(name: str) -> None:
        concurrency_limits.enter(SCOPE, 3, LimitEntry(holder=name, run_id=name, project="site"), Nobody())

    threads = [threading.Thread(target=come, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.inside(SCOPE, 100)) == 3
    assert len(store.waiting(SCOPE, 100)) == 9
    seen = []
    while inside := store.inside(SCOPE, 1):
        seen.append(inside[0].holder)
        concurrency_limits.leave(SCOPE, inside[0].holder, Nobody())
    assert sorted(seen) == names
