"""Parking and bringing back the log stream, with calls that cross each other."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from cadence.application.logs.log_stream import KeepLogStream, StackState
from cadence.domain.shared.errors import Conflict, NotFound, Transient

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass
class World:
    """Stack, saved template, note and runs in one; ``before_…`` is what others do at that moment."""

    stack: StackState = StackState.PRESENT
    deployed: str | None = "deployed"
    stored: str | None = None
    noted: datetime | None = NOW
    running: bool = False
    now: datetime = NOW
    created: list[str] = field(default_factory=list)
    before_create: Callable[[], object] | None = None
    before_delete: Callable[[], object] = lambda: None

    def state(self) -> StackState:
        return self.stack

    def template(self) -> str:
        assert self.deployed is not None
        return self.deployed

    def create(self, template: str) -> None:
        before, self.before_create = self.before_create, None
        if before:
            before()
        if self.stack is not StackState.ABSENT:
            raise Conflict("it exists")
        self.created.append(template)
        self.stack = StackState.COMING

    def delete(self) -> None:
        self.before_delete()
        if self.stack is not StackState.ABSENT:
            self.stack = StackState.GOING

    def save(self, template: str) -> None:
        self.stored = template

    def load(self) -> str:
        if self.stored is None:
            raise NotFound("nothing saved")
        return self.stored

    def last_needed_at(self) -> datetime | None:
        return self.noted

    def note(self, at: datetime) -> None:
        self.noted = at

    def any(self) -> bool:
        return self.running

    def keeper(self, parkable: bool = True) -> KeepLogStream:
        return KeepLogStream(
            parkable=parkable, stack=self, saved=self, need=self, live_runs=self, clock=lambda: self.now
        )


def test_a_stream_nobody_needed_for_a_day_is_parked_with_its_template_kept() -> None:
    world = World(now=NOW + timedelta(hours=24))
    world.keeper().look()
    assert (world.stack, world.stored) == (StackState.GOING, "deployed")


def test_a_stream_needed_within_the_day_stays() -> None:
    world = World(now=NOW + timedelta(hours=23, minutes=59))
    world.keeper().look()
    assert world.stack is StackState.PRESENT


def test_a_new_deployment_has_a_day_before_it_is_parked() -> None:
    world = World(noted=None)
    world.keeper().look()
    assert (world.stack, world.noted) == (StackState.PRESENT, NOW)


def test_a_long_run_keeps_the_stream_and_the_day_begins_when_it_was_last_seen() -> None:
    world = World(now=NOW + timedelta(days=3), running=True)
    world.keeper().look()
    world.running = False
    world.now += timedelta(hours=23)
    world.keeper().look()
    assert world.stored is None
    world.now += timedelta(hours=1)
    world.keeper().look()
    assert world.stack is StackState.GOING


def test_the_next_run_brings_it_back_from_the_kept_template() -> None:
    world = World(stack=StackState.ABSENT, stored="kept", now=NOW + timedelta(days=9))
    world.keeper().needed()
    assert (world.created, world.noted) == (["kept"], NOW + timedelta(days=9))


def test_repeated_calls_create_it_once() -> None:
    world = World(stack=StackState.ABSENT, stored="kept")
    for _ in range(3):
        world.keeper().needed()
    assert world.created == ["kept"]


def test_a_run_that_begins_during_removal_asks_again_and_the_hourly_look_serves_it_too() -> None:
    world = World(stack=StackState.GOING, stored="kept", now=NOW + timedelta(days=2))
    with pytest.raises(Transient):
        world.keeper().needed()
    world.stack = StackState.ABSENT
    world.keeper().look()
    assert world.created == ["kept"]


def test_a_run_that_begins_just_before_removal_is_seen_by_the_removal() -> None:
    world = World(now=NOW + timedelta(days=2))
    world.before_delete = lambda: world.keeper().needed()  # it finds the stack present, and is content
    with pytest.raises(Transient):
        world.keeper().look()
    world.stack = StackState.ABSENT
    world.keeper().look()  # what Lambda does with a call that failed
    assert world.created == ["deployed"]


def test_a_stack_that_failed_is_removed_first() -> None:
    world = World(stack=StackState.BROKEN, stored="kept")
    with pytest.raises(Transient):
        world.keeper().needed()
    assert world.stack is StackState.GOING


def test_a_stack_that_is_gone_already_is_not_parked_again() -> None:
    world = World(stack=StackState.ABSENT, stored="kept", now=NOW + timedelta(days=2))
    world.keeper().look()
    assert world.stored == "kept"


def test_a_stream_that_was_never_deployed_is_said_plainly() -> None:
    with pytest.raises(NotFound, match="cdk deploy"):
        World(stack=StackState.ABSENT).keeper().needed()


def test_two_calls_that_create_at_once_both_succeed() -> None:
    world = World(stack=StackState.ABSENT, stored="kept")
    world.before_create = lambda: world.keeper().needed()
    assert "another call" in world.keeper().needed()
    assert world.created == ["kept"]


def test_a_stream_that_is_always_kept_is_never_touched() -> None:
    world = World(now=NOW + timedelta(days=9))
    world.keeper(parkable=False).look()
    world.keeper(parkable=False).needed()
    assert (world.stack, world.noted) == (StackState.PRESENT, NOW)
