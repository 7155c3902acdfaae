"""Starts where the infrastructure's API bears only so many."""

from datetime import timedelta
from typing import Any

import pytest

from cadence.application.placement.pacing import RateLimiter
from cadence.domain.placement import placing
from cadence.domain.placement.pacing import LimitedApi, RateLimit
from cadence.domain.placement.pool import Pool
from cadence.domain.runners.runner import RunnerState
from cadence.providers.lifecycle import Launch, StartRunner
from tests.fakes.cloud import MemoryCloud
from tests.fakes.rate_limits import MemoryRateLimits
from tests.unit.scheduling.setting import RUN, Setting, spec

API = LimitedApi("acme", "fr-par", "servers", RateLimit(per_second=0.1, burst=1))


class PacedCloud(MemoryCloud):
    start_api = API


class World:
    def __init__(self) -> None:
        self.setting = its = Setting()
        its.pools.pools = (Pool(organization="acme", name="near", provider="fake"),)
        its.admitted(spec("a"), spec("b"))
        self.placed = {name: its.place(name).runner_id for name in ("a", "b")}
        self.cloud = PacedCloud(its.clock)
        self.rate_limits = MemoryRateLimits()
        rate_limiter = RateLimiter(self.rate_limits, its.clock, lambda _: None)
        self.begin = StartRunner(
            runs=its.runs,
            treatments=its.runs,
            runners=its.runners,
            machines=its.machines,
            deadlines=its.deadlines,
            providers=lambda *_: self.cloud,
            clock=its.clock,
            rate_limiter=rate_limiter,
        )

    def start(self, treatment: str, token: str) -> Any:
        runner_id = self.placed[treatment]
        placement = {"pool": "near", "reason": "the only candidate"}
        self.begin.start(
            Launch(
                run_id=RUN,
                treatment=treatment,
                runner_id=runner_id,
                attempt=1,
                pool="near",
                provider="fake",
                function="provider-fake",
                boot_deadline=120,
                task_token=token,
                priority=0,
                placement=placement,
            )
        )
        return self.setting.machines.answers.get(token)


@pytest.fixture
def world() -> World:
    return World()


def test_who_has_to_wait_is_launched_again_with_its_place(world: World) -> None:
    assert world.start("a", "launch a 1") is None
    told = world.start("b", "launch b 1")
    assert (told["next"], told["wait_seconds"], told["function"]) == ("later", 10, "provider-fake")
    assert told["placement"] == {"pool": "near", "reason": "the only candidate"}
    treatment = world.setting.runs.get_treatment(RUN, "b")
    assert treatment.waiting_for == "its turn with the API of pool near"
    runner = world.setting.runners.get_runner(told["runner_id"])
    assert runner.state is RunnerState.OFFERED

    world.setting.clock.advance(timedelta(seconds=10))
    asked = world.rate_limits.asked
    assert world.start("b", "launch b 2") is None
    assert [request.treatment for request in world.cloud.requests] == ["a", "b"]
    assert world.rate_limits.asked == asked
    assert world.setting.runners.get_runner(told["runner_id"]).state is RunnerState.BOOTING
    assert world.setting.runs.get_treatment(RUN, "b").waiting_for == placing.boot_wait("near", 120)


def test_a_launch_that_comes_too_early_takes_no_second_place(world: World) -> None:
    world.start("a", "launch a 1")
    world.start("b", "launch b 1")
    world.setting.clock.advance(timedelta(seconds=4))
    told = world.start("b", "launch b 2")
    assert (told["next"], told["wait_seconds"]) == ("later", 6)
    assert world.rate_limits.asked == 2


def test_nobody_boots_for_too_long_while_it_waits_for_its_turn(world: World) -> None:
    world.start("a", "launch a 1")
    told = world.start("b", "launch b 1")
    world.setting.clock.advance(timedelta(seconds=500))
    world.setting.watchdog.runner(told["runner_id"])
    assert world.setting.runners.get_runner(told["runner_id"]).state is RunnerState.OFFERED
