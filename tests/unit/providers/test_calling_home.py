"""What a machine is told when it is started, and that a repetition tells it the same."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from cadence.application.runners.runner_tokens import matches
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.shared.errors import CapacityExhausted, RunnerLost
from cadence.providers.contract import AgentFile, CallHome, RunnerNeeds
from cadence.providers.homes import Homes
from cadence.providers.lifecycle import Launch, ReleaseRunner, StartRunner
from tests.fakes.cloud import MemoryCloud, PlainCipher
from tests.unit.scheduling.setting import RUN, Setting, spec

RUNNER = f"{RUN}-build-1"
AGENT = AgentFile("https://cadence.example/runner/v1/agent/abc", "abc")


@dataclass
class World:
    setting: Setting = field(default_factory=Setting)
    cipher: PlainCipher = field(default_factory=PlainCipher)

    def __post_init__(self) -> None:
        self.setting.admitted(spec("build", cpu=2000, memory=4096, arch="arm64", image="localhost/python"))
        self.clouds = {name: MemoryCloud(self.setting.clock) for name in ("near", "far")}
        its = self.setting
        homes = Homes("fake", "https://cadence.example", AGENT, self.cipher)
        self.begin = StartRunner(
            runs=its.runs,
            treatments=its.runs,
            runners=its.runners,
            machines=its.machines,
            deadlines=its.deadlines,
            providers=lambda _, pool: self.clouds[pool],
            clock=its.clock,
            homes=homes,
        )

    def start(self, pool: str = "near") -> None:
        self.begin.start(
            Launch(
                run_id=RUN,
                treatment="build",
                runner_id=RUNNER,
                attempt=1,
                pool=pool,
                provider="fake",
                function="provider-fake",
                boot_deadline=120,
                task_token="token",
            )
        )

    def home(self, pool: str = "near") -> CallHome:
        home = self.clouds[pool].requests[-1].home
        assert home is not None
        return home

    def runner(self) -> Runner:
        return self.setting.runners.get_runner(RUNNER)


@pytest.fixture
def world() -> World:
    return World()


def test_a_machine_is_told_what_it_needs(world: World) -> None:
    world.start()
    (request,) = world.clouds["near"].requests
    assert request.needs == RunnerNeeds(cpu=2000, memory=4096, storage=None, arch="arm64", image="localhost/python")
    assert (request.run_id, request.treatment, request.max_duration) == (RUN, "build", 3_600)
    assert request.expires_at is not None and request.expires_at > world.setting.clock() + timedelta(seconds=3_720)
    home = world.home()
    assert (home.gateway_url, home.agent) == ("https://cadence.example", AGENT)
    assert matches(world.runner().one_time_hash, home.one_time_token)
    assert home.one_time_token not in repr(request)


def test_the_token_is_kept_only_sealed_and_bound_to_its_runner(world: World) -> None:
    world.start()
    token = world.home().one_time_token
    assert token not in repr(world.runner()) and token not in str(world.runner().sealed_token)
    assert world.cipher.opened == 0


def test_a_repeated_start_tells_the_same(world: World) -> None:
    world.start()
    world.setting.clock.advance(timedelta(seconds=30))
    world.start()
    first, second = world.clouds["near"].requests
    assert first == second


def test_another_pool_gets_another_token_and_the_first_is_worth_nothing(world: World) -> None:
    world.clouds["near"].room = 0
    with pytest.raises(CapacityExhausted):
        world.start("near")
    before = world.runner().one_time_hash
    world.start("far")
    assert world.runner().one_time_hash != before
    assert matches(world.runner().one_time_hash, world.home("far").one_time_token)
    assert world.runner().ref == f"machine-of-{RUNNER}"


def test_what_the_infrastructure_calls_the_machine_is_kept_for_its_end(world: World) -> None:
    world.start()
    assert world.runner().ref == f"machine-of-{RUNNER}"
    ReleaseRunner(runners=world.setting.runners, providers=lambda _, pool: world.clouds[pool]).release(RUNNER)
    assert world.clouds["near"].machines == {}


def test_a_machine_that_comes_when_its_runner_was_given_up_is_ended(world: World) -> None:
    cloud = world.clouds["near"]
    start = cloud.start

    def slow(request: Any) -> str:
        ref = start(request)
        world.setting.runners.change_runner(RUNNER, {RunnerState.BOOTING}, state=RunnerState.LOST)
        return ref

    cloud.start = slow  # type: ignore[method-assign]
    with pytest.raises(RunnerLost, match="given up while it was being started"):
        world.start()
    assert cloud.machines == {}
