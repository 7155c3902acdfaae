"""A failed runner is kept for whoever looks into it, and goes away all the same."""

import dataclasses
from datetime import timedelta

import pytest

from cadence.application.runners.hold_runner import HoldRunner
from cadence.domain.runners.runner import Runner, RunnerOutcome, RunnerResult, RunnerState
from cadence.domain.shared.errors import Conflict
from cadence.providers.contract import Machine, MachineCondition
from cadence.providers.lifecycle import ReleaseRunner
from cadence.providers.sweeping import Sweep
from tests.fakes.cloud import MemoryCloud
from tests.fakes.pool_records import MemoryPoolRecords
from tests.fakes.runners import MemoryRunnerStore
from tests.fakes.services import ManualClock

HOUR = timedelta(hours=1)


class Calls:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def ask(self, operation: str, organization: str, pool: str, provider: str, **more: str) -> None:
        self.asked.append(f"{operation} {more['runner_id']}")


class World:
    def __init__(self, outcome: RunnerOutcome = RunnerOutcome.FAILED) -> None:
        self.clock = ManualClock()
        self.cloud = MemoryCloud(self.clock)
        self.runners, self.records, self.calls = MemoryRunnerStore(), MemoryPoolRecords(), Calls()
        self.release = ReleaseRunner(
            runners=self.runners, providers=lambda *_: self.cloud, records=self.records, budgets=None, clock=self.clock
        )
        self.sweep = Sweep(
            providers=lambda *_: self.cloud,
            runners=self.runners.get_runners,
            records=self.records,
            clock=self.clock,
            pools=None,
            release=self.release.release,
        )
        self.hold = HoldRunner(self.runners, self.calls, self.clock)
        self.runners.put_runner(
            Runner(
                runner_id="r-1", run_id="run", treatment="build", attempt=1, organization="acme", project="site", pool="near", provider="fake", state=RunnerState.CLAIMED, created_at=self.clock.now,
                ref="machine-of-r-1", claimed_at=self.clock.now,
            )
        )  # fmt: skip
        self.cloud.machines["machine-of-r-1"] = Machine(
            ref="machine-of-r-1",
            runner_id="r-1",
            condition=MachineCondition.RUNNING,
            created_at=self.clock.now,
            expires_at=self.clock.now + 6 * HOUR,
        )
        self.records.note_active("acme", "near", "r-1", self.clock.now)
        self.outcome = outcome

    @property
    def runner(self) -> Runner:
        return self.runners.get_runner("r-1")

    def end(self) -> None:
        self.runners.complete("r-1", RunnerResult(outcome=self.outcome, exit_code=1))
        self.release.release("r-1")

    def swept(self) -> None:
        self.clock.advance(timedelta(minutes=5))
        self.sweep.sweep("acme", "near")


def test_a_failed_runner_is_kept_then_ended_by_the_sweeper() -> None:
    world = World()
    world.hold.hold(world.runner, HOUR)
    world.end()
    for _ in range(11):
        world.swept()
    assert world.runner.state is RunnerState.RELEASED
    assert world.cloud.machines and world.records.active("acme", "near") == ["r-1"]
    for _ in range(3):
        world.swept()
    assert (world.cloud.machines, world.records.active("acme", "near")) == ({}, [])


@pytest.mark.parametrize("outcome", [RunnerOutcome.SUCCEEDED, RunnerOutcome.CANCELLED])
def test_nobody_looks_into_what_did_not_fail(outcome: RunnerOutcome) -> None:
    world = World(outcome)
    world.hold.hold(world.runner, HOUR)
    world.end()
    assert world.cloud.machines == {}


def test_no_hold_is_longer_than_an_hour() -> None:
    world = World()
    assert world.hold.hold(world.runner, 9 * HOUR).held_until == world.clock.now + HOUR


def test_who_holds_it_may_let_it_go() -> None:
    world = World()
    world.hold.hold(world.runner, HOUR)
    world.hold.release(world.runner)
    assert world.calls.asked == []  # it is at work
    world.hold.hold(world.runner, HOUR)
    world.end()
    for _ in range(2):
        world.hold.release(world.runner)
    assert world.calls.asked == ["stop r-1"]
    world.release.release("r-1")
    assert world.cloud.machines == {}


def test_what_is_gone_or_on_a_host_cannot_be_kept() -> None:
    world = World()
    with pytest.raises(Conflict, match="is on a host"):
        world.hold.hold(dataclasses.replace(world.runner, provider="host"), HOUR)
    world.end()
    with pytest.raises(Conflict, match="its machine is gone"):
        world.hold.hold(world.runner, HOUR)
