"""Starting and releasing runners where pools have no room."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from cadence.domain.errors import Cancelled, CapacityExhausted
from cadence.domain.runner import RunnerState
from cadence.providers.contract import RunnerRequest
from cadence.providers.lifecycle import Launch, ReleaseRunner, StartRunner
from tests.unit.scheduling.setting import RUN, Setting, spec

RUNNER = f"{RUN}-build-1"


@dataclass
class Cloud:
    """A provider whose machines boot at once, as far as there is room."""

    room: bool
    first_state: RunnerState = RunnerState.BOOTING
    started: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)

    def start(self, request: RunnerRequest) -> str:
        if not self.room:
            raise CapacityExhausted("full")
        self.started.append(request.runner_id)
        return request.runner_id

    def stop(self, ref: str) -> None:
        self.stopped.append(ref)


@dataclass
class Clouds:
    setting: Setting
    full: Cloud = field(default_factory=lambda: Cloud(room=False))
    free: Cloud = field(default_factory=lambda: Cloud(room=True))

    def provider(self, organization: str, pool: str) -> Cloud:
        return {"full": self.full, "free": self.free}[pool]

    def start(self, pool: str) -> None:
        its = self.setting
        start = StartRunner(its.runs, its.runners, its.machines, its.deadlines, self.provider, its.clock)  # type: ignore[arg-type]
        start(
            Launch(
                RUN,
                "build",
                RUNNER,
                1,
                pool,
                pool,
                f"provider-{pool}",
                boot_deadline=120,
                task_token=f"launch on {pool}",
            )
        )

    def release(self) -> None:
        ReleaseRunner(self.setting.runners, self.provider)(RUNNER)  # type: ignore[arg-type]


@pytest.fixture
def clouds(setting: Setting) -> Clouds:
    setting.admitted(spec("build"))
    return Clouds(setting)


def test_a_runner_that_found_room_in_the_next_pool_belongs_to_that(clouds: Clouds) -> None:
    with pytest.raises(CapacityExhausted):
        clouds.start("full")
    clouds.setting.clock.advance(timedelta(seconds=200))
    clouds.start("free")

    runner = clouds.setting.runners.get_runner(RUNNER)
    assert (runner.pool, runner.provider, runner.state) == ("free", "free", RunnerState.BOOTING)
    assert runner.created_at == clouds.setting.clock()
    clouds.release()
    assert (clouds.full.stopped, clouds.free.stopped) == ([], [RUNNER])


def test_waiting_for_room_is_not_taken_for_a_boot_without_end(clouds: Clouds) -> None:
    with pytest.raises(CapacityExhausted):
        clouds.start("full")
    clouds.setting.clock.advance(timedelta(seconds=200))
    clouds.setting.watchdog.runner(RUNNER)
    clouds.full.room = True
    clouds.start("full")
    clouds.setting.watchdog.runner(RUNNER)

    assert clouds.setting.runners.get_runner(RUNNER).state is RunnerState.BOOTING
    assert clouds.full.started == [RUNNER]


def test_a_repeated_start_leaves_a_booting_runner_its_deadline(clouds: Clouds) -> None:
    clouds.start("free")
    began = clouds.setting.clock()
    clouds.setting.clock.advance(timedelta(seconds=5))
    clouds.start("free")

    assert clouds.setting.runners.get_runner(RUNNER).created_at == began


def test_a_treatment_that_was_cancelled_meanwhile_is_not_started(clouds: Clouds) -> None:
    clouds.setting.runs.request_cancel(RUN, "build", "another instance failed")
    with pytest.raises(Cancelled, match="another instance failed"):
        clouds.start("free")
    assert clouds.free.started == []


def test_a_run_that_was_cancelled_between_place_and_start_starts_nothing(clouds: Clouds) -> None:
    clouds.setting.place("build")
    clouds.setting.runners.runners.clear()  # as where the provider makes the runner
    clouds.setting.cancel()
    clouds.setting.stop()
    with pytest.raises(Cancelled, match="cancelled by alice"):
        clouds.start("free")
    assert clouds.free.started == []
