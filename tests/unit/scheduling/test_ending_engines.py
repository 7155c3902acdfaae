"""A Mélodium engine that is asked to end: its runner completes by itself, so that its last report is accepted."""

from datetime import timedelta
from typing import Any

import pytest

from cadence.application.scheduling.end_engine import ENGINE_ENDS_WITHIN
from cadence.domain.melodium.specification import WorkerSpec
from cadence.domain.runners.runner import Runner, RunnerOutcome, RunnerState
from cadence.domain.runs.states import TreatmentState
from cadence.domain.shared.errors import Cancelled
from tests.unit.scheduling.setting import LEASE, Setting, spec

REASON = "cancelled by alice"


@pytest.fixture
def engine(setting: Setting) -> Runner:
    """A claimed runner whose engine works; the treatment beside it has none."""
    setting.admitted(spec("engine", engine=WorkerSpec(version="0.11.0", group_id="group")), spec("plain"))
    runner = setting.running("engine")
    return setting.runners.change_runner(runner.runner_id, {RunnerState.CLAIMED}, engine="0.11.0")


def now_of(setting: Setting, runner: Runner) -> Runner:
    return setting.runners.get_runner(runner.runner_id)


def answer(setting: Setting, token: str) -> Any:
    return setting.machines.answers.get(token)


def renew(setting: Setting, runner: Runner) -> None:
    setting.runners.change_runner(runner.runner_id, {RunnerState.CLAIMED}, lease_until=setting.clock.now + LEASE)


def test_it_is_asked_and_its_own_result_ends_the_treatment(setting: Setting, engine: Runner) -> None:
    setting.cancel()
    for _ in range(2):
        setting.stop()
        setting.clock.advance(timedelta(seconds=1))
    asked = now_of(setting, engine)
    assert (asked.state, asked.cancel_reason) == (RunnerState.CLAIMED, REASON)
    assert asked.deadline == setting.clock.now - timedelta(seconds=2) + ENGINE_ENDS_WITHIN
    assert answer(setting, "engine-1") is None
    setting.watchdog.runner(engine.runner_id, "engine-1")
    assert answer(setting, "engine-1") is None

    setting.complete("engine", RunnerOutcome.CANCELLED, REASON, outputs=False)
    setting.settle("engine", 1)
    assert setting.state("engine") is TreatmentState.CANCELLED


@pytest.mark.parametrize("silent", [False, True], ids=["heartbeats", "silence"])
def test_one_that_does_not_end_is_given_up(setting: Setting, engine: Runner, silent: bool) -> None:
    setting.cancel()
    setting.stop()
    setting.clock.advance(LEASE if silent else ENGINE_ENDS_WITHIN)
    if not silent:
        renew(setting, engine)
    setting.watchdog.runner(engine.runner_id, "engine-1")
    assert isinstance(answer(setting, "engine-1"), Cancelled)


def test_a_look_before_the_request_asks_it_too(setting: Setting, engine: Runner) -> None:
    setting.cancel()
    setting.deadlines.runners.clear()
    setting.watchdog.runner(engine.runner_id, "engine-1")
    assert now_of(setting, engine).cancel_reason == REASON
    assert answer(setting, "engine-1") is None
    assert setting.deadlines.runners == [(engine.runner_id, ENGINE_ENDS_WITHIN)]


def test_a_runner_without_an_engine_ends_at_once(setting: Setting, engine: Runner) -> None:
    plain = setting.running("plain")
    setting.cancel()
    setting.stop()
    assert isinstance(answer(setting, "plain-1"), Cancelled)
    assert now_of(setting, plain).cancel_reason == REASON


def test_an_engine_whose_lease_is_over_is_not_waited_for(setting: Setting, engine: Runner) -> None:
    setting.clock.advance(LEASE)
    setting.cancel()
    setting.stop()
    assert isinstance(answer(setting, "engine-1"), Cancelled)
