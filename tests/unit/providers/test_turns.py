"""Starts where the infrastructure's API bears only so many."""

from datetime import timedelta
from typing import Any

import pytest

from cadence.application.pacing import Pacer
from cadence.domain import placing
from cadence.domain.pacing import Api, Pace
from cadence.domain.pool import Pool
from cadence.domain.runner import RunnerState
from cadence.providers.lifecycle import Launch, StartRunner
from tests.fakes.cloud import MemoryCloud
from tests.fakes.paces import MemoryPaces
from tests.unit.scheduling.setting import RUN, Setting, spec

API = Api("acme", "fr-par", "servers", Pace(per_second=0.1, burst=1))


class PacedCloud(MemoryCloud):
    start_api = API


class World:
    def __init__(self) -> None:
        self.setting = its = Setting()
        its.pools.pools = (Pool("acme", "near", "fake"),)
        its.admitted(spec("a"), spec("b"))
        self.placed = {name: its.place(name).runner_id for name in ("a", "b")}
        self.cloud = PacedCloud(its.clock)
        self.paces = MemoryPaces()
        pacer = Pacer(self.paces, its.clock, lambda _: None)
        self.begin = StartRunner(
            its.runs, its.runners, its.machines, its.deadlines, lambda *_: self.cloud, its.clock, pacer=pacer
        )

    def start(self, treatment: str, token: str) -> Any:
        runner_id = self.placed[treatment]
        placement = {"pool": "near", "reason": "the only candidate"}
        self.begin(Launch(RUN, treatment, runner_id, 1, "near", "fake", "provider-fake", 120, token, 0, placement))
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
    asked = world.paces.asked
    assert world.start("b", "launch b 2") is None
    assert [request.treatment for request in world.cloud.requests] == ["a", "b"]
    assert world.paces.asked == asked
    assert world.setting.runners.get_runner(told["runner_id"]).state is RunnerState.BOOTING
    assert world.setting.runs.get_treatment(RUN, "b").waiting_for == placing.boot_wait("near", 120)


def test_a_launch_that_comes_too_early_takes_no_second_place(world: World) -> None:
    world.start("a", "launch a 1")
    world.start("b", "launch b 1")
    world.setting.clock.advance(timedelta(seconds=4))
    told = world.start("b", "launch b 2")
    assert (told["next"], told["wait_seconds"]) == ("later", 6)
    assert world.paces.asked == 2


def test_nobody_boots_for_too_long_while_it_waits_for_its_turn(world: World) -> None:
    world.start("a", "launch a 1")
    told = world.start("b", "launch b 1")
    world.setting.clock.advance(timedelta(seconds=500))
    world.setting.watchdog.runner(told["runner_id"])
    assert world.setting.runners.get_runner(told["runner_id"]).state is RunnerState.OFFERED
