"""Concurrency limits, also when any step is the last one of its process: never more inside than the limit, nobody
forgotten.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cadence.application.limits.concurrency_limits import LOOK, Admittance, ConcurrencyLimits
from cadence.domain.limits.concurrency_limit import LimitEntry
from cadence.domain.shared.errors import Transient
from tests.fakes.concurrency_limits import MemoryConcurrencyLimitStore
from tests.fakes.services import ManualClock, MemoryDeadlines

SCOPE = "POOL#acme#near"


class Crash(BaseException):
    """The process ends here."""


@dataclass
class Steps:
    """Counts the steps that reach the outside; the one numbered `crash_at` is the process's last, done or not."""

    crash_at: int | None = None
    done: bool = False
    count: int = 0

    def __call__(self, step: Callable[..., Any], *arguments: Any) -> Any:
        self.count += 1
        if self.count == self.crash_at:
            self.crash_at = None
            if self.done:
                step(*arguments)
            raise Crash
        return step(*arguments)


@dataclass
class Stage:
    """Concurrency limits whose every step may be the last, and what stands at them."""

    steps: Steps = field(default_factory=Steps)
    clock: ManualClock = field(default_factory=ManualClock)
    kept: MemoryConcurrencyLimitStore = field(default_factory=MemoryConcurrencyLimitStore)
    deadlines: MemoryDeadlines = field(default_factory=MemoryDeadlines)
    woken: list[str] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)
    deaf: bool = False

    def __post_init__(self) -> None:
        self.concurrency_limits = ConcurrencyLimits(self, self, self.clock, lambda attempt: None)

    def commit(self, *arguments: Any) -> None:
        self.steps(self.kept.commit, *arguments)

    def watch_concurrency_limit(self, *arguments: Any) -> None:
        self.steps(self.deadlines.watch_concurrency_limit, *arguments)

    def wake(self, scope: str, place: LimitEntry) -> None:
        if self.deaf:
            raise Transient("throttled")
        self.steps(self.woken.append, place.holder)

    def gone(self, scope: str, places: Sequence[LimitEntry]) -> Iterable[LimitEntry]:
        return [place for place in places if place.holder in self.ended]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.kept, name)

    def enter(
        self, holder: str, project: str = "site", priority: int = 0, limit: int = 1, *, wait: bool = True
    ) -> Admittance:
        return self.concurrency_limits.enter(
            SCOPE, limit, LimitEntry(holder=holder, run_id=holder, project=project, priority=priority), self, wait=wait
        )

    def leave(self, holder: str) -> None:
        self.concurrency_limits.leave(SCOPE, holder, self)

    def look(self) -> None:
        """The watchdog, as often as it was asked to look."""
        self.clock.advance(LOOK)
        asked, self.deadlines.concurrency_limits = self.deadlines.concurrency_limits, []
        for scope, _ in asked:
            self.concurrency_limits.tend(scope, self)

    def holders(self) -> list[str]:
        return [place.holder for place in self.kept.inside(SCOPE, 100)]

    def queue(self) -> list[str]:
        return [place.holder for place in self.kept.waiting(SCOPE, 100)]


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_the_next_in_line_is_woken_once_by_whoever_leaves(stage: Stage) -> None:
    assert stage.enter("a").inside
    assert [stage.enter(name).position for name in "bcd"] == [1, 2, 3]
    assert stage.enter("b").inside is False
    assert stage.queue() == ["b", "c", "d"]
    for left in "abc":
        stage.leave(left)
        stage.leave(left)
    assert stage.woken == ["b", "c", "d"]
    assert stage.holders() == ["d"]


def test_who_does_not_want_to_wait_learns_who_is_there(stage: Stage) -> None:
    stage.enter("a")
    entered = stage.enter("b", wait=False)
    assert not entered.inside
    assert entered.ahead is not None
    assert entered.ahead.holder == "a"
    assert stage.queue() == []


def test_a_higher_priority_is_next(stage: Stage) -> None:
    stage.enter("a")
    stage.enter("b")
    stage.enter("c", priority=5)
    stage.leave("a")
    assert stage.holders() == ["c"]


def test_the_project_with_fewest_inside_is_next(stage: Stage) -> None:
    for number in range(6):
        stage.enter(f"big{number}", "big", limit=4)
    stage.enter("small0", "small", limit=4)
    stage.enter("small1", "small", limit=4)
    stage.leave("big0")
    stage.leave("big1")
    assert stage.woken == ["small0", "small1"]
    stage.leave("small0")
    assert stage.woken[-1] == "big4"


def test_who_ended_without_leaving_is_put_out_by_the_next_and_by_the_watchdog(stage: Stage) -> None:
    stage.enter("a")
    stage.ended.add("a")
    assert stage.enter("b").inside
    stage.enter("c")
    stage.ended.add("b")
    stage.look()
    assert stage.holders() == ["c"]
    assert stage.woken[-1] == "c"


def test_a_larger_limit_lets_in_at_once(stage: Stage) -> None:
    for name in "abcd":
        stage.enter(name)
    stage.concurrency_limits.limit(SCOPE, 3, stage)
    assert sorted(stage.holders()) == ["a", "b", "c"]
    assert stage.woken == ["b", "c"]


def test_who_could_not_be_woken_is_woken_later(stage: Stage) -> None:
    stage.enter("a")
    stage.enter("b")
    stage.deaf = True
    stage.leave("a")
    assert stage.woken == []
    stage.deaf = False
    stage.look()
    assert stage.woken == ["b"]


def test_the_watchdog_stops_looking_and_begins_again(stage: Stage) -> None:
    stage.enter("a")
    stage.enter("b")
    stage.leave("a")
    for _ in range(3):
        stage.look()
    assert stage.deadlines.concurrency_limits == []
    stage.enter("c")
    assert len(stage.deadlines.concurrency_limits) == 1


def test_each_of_a_thousand_waits_for_its_turn_by_small_reads(stage: Stage) -> None:
    stage.enter("first")
    for number in range(1_000):
        stage.enter(f"w{number:04}")
    head = stage.kept.concurrency_limits[SCOPE]
    assert (head.waiting, len(head.lanes)) == (1_000, 1)
    stage.leave("first")
    for number in range(999):
        stage.leave(f"w{number:04}")
    assert stage.woken == [f"w{number:04}" for number in range(1_000)]


NAMES = st.integers(0, 14).map(lambda number: f"h{number:02}")
LIMIT = 2


class Crowd(RuleBasedStateMachine):
    """Everybody enters and leaves as they like; any of them, and the watchdog, may end at any step.

    Whoever was interrupted while entering comes again in the end, as all callers do: before a run enters, and before an
    attempt does, the watchdog has been asked to look at it.
    """

    @initialize()
    def begin(self) -> None:
        self.stage = Stage()
        self.entered: list[str] = []
        self.left: set[str] = set()
        self.told: set[str] = set()
        self.interrupted: set[str] = set()

    def attempt(self, act: Callable[[], Any], crash_at: int | None, done: bool) -> Any:
        self.stage.steps.__init__(crash_at, done)  # type: ignore[misc]
        try:
            return act()
        except Crash:
            return None
        finally:
            self.stage.steps.__init__()  # type: ignore[misc]

    @rule(name=NAMES, crash_at=st.none() | st.integers(1, 8), done=st.booleans())
    def enter(self, name: str, crash_at: int | None, done: bool) -> None:
        self.come(name, crash_at, done)

    def come(self, name: str, crash_at: int | None = None, done: bool = False) -> None:
        if name in self.left:
            return
        project, priority = f"p{int(name[1:]) % 3}", int(name[1:]) % 2
        entered = self.attempt(lambda: self.stage.enter(name, project, priority, LIMIT), crash_at, done)
        if entered is None:
            self.interrupted.add(name)
            return
        self.interrupted.discard(name)
        if entered.inside:
            self.told.add(name)

    @rule(name=NAMES, crash_at=st.none() | st.integers(1, 8), done=st.booleans())
    def leave(self, name: str, crash_at: int | None, done: bool) -> None:
        self.left.add(name)
        self.stage.ended.add(name)
        self.attempt(lambda: self.stage.leave(name), crash_at, done)

    @rule(name=NAMES)
    def end_without_leaving(self, name: str) -> None:
        self.left.add(name)
        self.stage.ended.add(name)

    @rule(deaf=st.booleans())
    def throttle(self, deaf: bool) -> None:
        self.stage.deaf = deaf

    @rule(crash_at=st.none() | st.integers(1, 8), done=st.booleans())
    @precondition(lambda self: self.stage.deadlines.concurrency_limits)
    def watchdog(self, crash_at: int | None, done: bool) -> None:
        asked = list(self.stage.deadlines.concurrency_limits)
        self.attempt(self.stage.look, crash_at, done)
        if crash_at is not None:  # a message whose look failed comes again
            self.stage.deadlines.concurrency_limits += asked

    @invariant()
    def never_too_many(self) -> None:
        if hasattr(self, "stage"):
            assert len(self.stage.holders()) <= LIMIT

    @invariant()
    def the_head_counts_right(self) -> None:
        if hasattr(self, "stage") and (head := self.stage.kept.concurrency_limits.get(SCOPE)):
            assert sum(head.inside.values()) == len(self.stage.holders())
            for key, lane in head.lanes.items():
                places = self.stage.kept.first_waiting(SCOPE, key, 100)
                assert (lane.waiting, lane.first) == (len(places), places[0].ticket)
            assert head.waiting == len(self.stage.queue())

    def fairly_next(self, leaving: str) -> str:
        """Of the highest priority, of the project with fewest inside, who came first."""
        kept = self.stage.kept
        inside = [place.project for place in kept.inside(SCOPE, 100) if place.holder != leaving]
        waiting = kept.waiting(SCOPE, 100)
        return min(waiting, key=lambda place: (-place.priority, inside.count(place.project), place.ticket)).holder

    def teardown(self) -> None:
        """Everybody who waits gets in by what is under way and the others' leaving alone, in a fair order."""
        if not hasattr(self, "stage"):
            return
        stage = self.stage
        stage.deaf = False
        for name in sorted(self.interrupted):
            self.come(name)
        for _ in range(60):
            stage.look()
            told = self.told | set(stage.woken)
            present = [name for name in stage.holders() if name not in self.left]
            assert set(present) <= told or stage.deadlines.concurrency_limits
            if not stage.queue():
                break
            if present:
                self.left.add(present[0])
                stage.ended.add(present[0])
                following = self.fairly_next(present[0])
                room = LIMIT - len(stage.holders()) + 1
                stage.leave(present[0])
                if room == 1:
                    assert following in stage.holders()
        assert stage.queue() == []
        assert {name for name in stage.holders() if name not in self.left} <= self.told | set(stage.woken)


Crowd.TestCase.settings = settings(max_examples=150, stateful_step_count=40)
TestCrowd = Crowd.TestCase
