"""The watchdog: whatever is silent is found, whatever lives is left alone, and each look may be repeated."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cadence.application.scheduling import watchdog
from cadence.application.scheduling.watchdog import CHECK
from cadence.domain.placement.pool import HOST
from cadence.domain.runners.runner import Runner, RunnerOutcome, RunnerResult, RunnerState
from cadence.domain.runs.admission import beginning
from cadence.domain.runs.states import RunState
from cadence.domain.scheduling.machine_step import NextState
from cadence.domain.shared.errors import BootTimedOut, CadenceError, Cancelled, RunnerLost, TimedOut
from tests.unit.scheduling.setting import LEASE, RUN, Setting, spec


@pytest.fixture(autouse=True)
def admitted(setting: Setting) -> None:
    setting.admitted(spec("build"))
    setting.deadlines.runs.clear()


def answer(setting: Setting, token: str) -> CadenceError:
    found: Mapping[str, Any] | CadenceError = setting.machines.answers[token]
    assert isinstance(found, CadenceError)
    return found


def test_a_runner_with_a_lease_is_looked_at_when_it_runs_out(setting: Setting) -> None:
    runner = setting.running("build")
    setting.watchdog.runner(runner.runner_id)
    assert setting.deadlines.runners == [(runner.runner_id, LEASE)]
    assert setting.machines.answers == {}


def test_a_runner_without_heartbeat_is_lost(setting: Setting) -> None:
    runner = setting.running("build")
    setting.clock.advance(LEASE)
    setting.watchdog.runner(runner.runner_id)
    assert setting.runners.get_runner(runner.runner_id).state is RunnerState.LOST
    error = answer(setting, "build-1")
    assert isinstance(error, RunnerLost)
    assert "pool near sent no heartbeat since its lease ran out at 00:00:45 UTC" in error.message


def test_a_lease_renewed_between_reading_and_writing_keeps_the_runner(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = setting.running("build")
    setting.clock.advance(LEASE)
    declare = setting.runners.declare_lost

    def renewed_first(read: Runner) -> bool:
        setting.runners.change_runner(read.runner_id, {RunnerState.CLAIMED}, lease_until=setting.clock.now + LEASE)
        return declare(read)

    monkeypatch.setattr(setting.runners, "declare_lost", renewed_first)
    setting.watchdog.runner(runner.runner_id)
    assert setting.runners.get_runner(runner.runner_id).state is RunnerState.CLAIMED
    assert setting.machines.answers == {}
    assert setting.deadlines.runners == [(runner.runner_id, timedelta(seconds=1))]


def test_a_result_that_comes_between_reading_and_writing_counts(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = setting.running("build")
    setting.clock.advance(LEASE)
    declare = setting.runners.declare_lost

    def completed_first(read: Runner) -> bool:
        setting.complete("build")
        return declare(read)

    monkeypatch.setattr(setting.runners, "declare_lost", completed_first)
    setting.watchdog.runner(runner.runner_id)
    assert setting.machines.answers == {}
    setting.watchdog.runner(runner.runner_id)
    told = setting.machines.answers["build-1"]
    assert not isinstance(told, CadenceError)
    assert (told["next"], told["runner_id"]) == ("settle", runner.runner_id)


def test_the_token_kept_between_reading_and_writing_is_the_one_that_fails(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = setting.claimed("build")
    setting.clock.advance(LEASE)
    declare = setting.runners.declare_lost

    def placed_again_first(read: Runner) -> bool:
        setting.placing.place(RUN, "build", 1, "again")
        return declare(read)

    monkeypatch.setattr(setting.runners, "declare_lost", placed_again_first)
    setting.watchdog.runner(runner.runner_id)
    assert isinstance(answer(setting, "again"), RunnerLost)


def test_a_boot_that_never_ends(setting: Setting) -> None:
    runner = setting.launched("build", boot_deadline=90)
    setting.watchdog.runner(runner.runner_id)
    assert setting.deadlines.runners == [(runner.runner_id, timedelta(seconds=60))]
    setting.clock.advance(timedelta(seconds=90))
    setting.watchdog.runner(runner.runner_id)
    error = answer(setting, "build-1")
    assert isinstance(error, BootTimedOut)
    assert error.message == "the runner did not call home within 90 s of starting on pool near"


def test_a_boot_counts_from_when_the_infrastructure_began(setting: Setting) -> None:
    runner = setting.launched("build", RunnerState.OFFERED)
    setting.clock.advance(timedelta(hours=5))
    setting.watchdog.runner(runner.runner_id)  # waits for a host: no deadline
    setting.runners.change_runner(
        runner.runner_id, {RunnerState.OFFERED}, state=RunnerState.BOOTING, booting_at=setting.clock.now
    )
    setting.clock.advance(timedelta(seconds=119))
    setting.watchdog.runner(runner.runner_id)
    assert setting.machines.answers == {}
    setting.clock.advance(timedelta(seconds=1))
    setting.watchdog.runner(runner.runner_id)
    assert isinstance(answer(setting, "build-1"), BootTimedOut)


def test_a_treatment_past_its_deadline(setting: Setting) -> None:
    runner = setting.running("build")
    setting.clock.advance(timedelta(seconds=300))
    setting.runners.change_runner(runner.runner_id, {RunnerState.CLAIMED}, lease_until=setting.clock.now + LEASE)
    setting.watchdog.runner(runner.runner_id)
    stored = setting.runners.get_runner(runner.runner_id)
    assert (stored.state, stored.cancel_reason) == (
        RunnerState.CLAIMED,
        "the treatment took longer than its max_duration",
    )
    assert isinstance(answer(setting, "build-1"), TimedOut)


@pytest.mark.parametrize("state", [RunnerState.OFFERED, RunnerState.BOOTING])
def test_a_runner_of_a_stopped_run_that_nobody_has_told(setting: Setting, state: RunnerState) -> None:
    runner = setting.launched("build", state)
    setting.cancel()
    for _ in range(2):
        setting.watchdog.runner(runner.runner_id)
    assert isinstance(answer(setting, "build-1"), Cancelled)
    assert setting.runners.get_runner(runner.runner_id).state is RunnerState.LOST


def test_a_claimed_runner_of_a_stopped_run_is_told_why(setting: Setting) -> None:
    runner = setting.running("build")
    setting.cancel()
    setting.watchdog.runner(runner.runner_id)
    assert setting.runners.get_runner(runner.runner_id).cancel_reason == "cancelled by alice"
    assert isinstance(answer(setting, "build-1"), Cancelled)


@pytest.mark.parametrize(("advance", "error"), [(LEASE, RunnerLost), (timedelta(seconds=120), BootTimedOut)])
def test_a_look_that_ended_between_marking_and_telling_is_completed(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, advance: timedelta, error: type[CadenceError]
) -> None:
    runner = setting.running("build") if error is RunnerLost else setting.launched("build")
    setting.clock.advance(advance)
    with monkeypatch.context() as patch:
        patch.setattr(setting.machines, "fail", _ends)
        with pytest.raises(ProcessEndedError):
            setting.watchdog.runner(runner.runner_id)
    setting.watchdog.runner(runner.runner_id)  # the message comes again
    assert isinstance(answer(setting, "build-1"), error)


def test_repeated_looks_at_what_has_ended_do_nothing(setting: Setting) -> None:
    runner = setting.running("build")
    setting.runners.change_runner(runner.runner_id, {RunnerState.CLAIMED}, state=RunnerState.RELEASED)
    setting.watchdog.runner(runner.runner_id)
    setting.watchdog.runner("none")
    setting.watchdog.run("none")
    assert (setting.machines.answers, setting.deadlines.runners) == ({}, [])


def test_a_run_within_its_time_is_looked_at_when_it_is_over(setting: Setting) -> None:
    for seconds, after in ((200, CHECK), (360, timedelta(seconds=40))):
        setting.clock.advance(timedelta(seconds=seconds))
        setting.watchdog.run(RUN)
        assert setting.deadlines.runs.pop() == (RUN, after)


def at_work(setting: Setting, provider: str = HOST, **fields: Any) -> Runner:
    """A runner at work; one of a host is watched by nothing but its run."""
    runner = setting.running("build")
    setting.runners.runners[runner.runner_id] = replace(runner, provider=provider, **fields)
    return setting.runners.get_runner(runner.runner_id)


def test_a_host_s_runner_is_looked_at_with_its_run(setting: Setting) -> None:
    runner = at_work(setting)
    setting.watchdog.run(RUN)
    assert (setting.deadlines.runs, setting.deadlines.runners) == ([(RUN, LEASE)], [])
    setting.clock.advance(LEASE)
    setting.watchdog.run(RUN)
    assert isinstance(answer(setting, "build-1"), RunnerLost)
    assert setting.runners.get_runner(runner.runner_id).state is RunnerState.LOST
    assert setting.deadlines.runs[-1] == (RUN, CHECK)


def test_a_host_s_runner_is_found_while_its_run_ends(setting: Setting) -> None:
    at_work(setting, lease_until=setting.clock.now + timedelta(seconds=620))
    setting.clock.advance(timedelta(seconds=600))
    setting.watchdog.run(RUN)
    assert setting.deadlines.runs[-1][1] <= CHECK


def test_a_result_is_left_to_its_call_as_long_as_that_may_be_at_work(setting: Setting) -> None:
    runner = at_work(setting)
    setting.runners.complete(runner.runner_id, RunnerResult(outcome=RunnerOutcome.SUCCEEDED))
    setting.watchdog.run(RUN)
    assert setting.machines.answers == {}
    setting.clock.advance(LEASE)
    setting.watchdog.run(RUN)
    assert setting.machines.steps["build-1"].next is NextState.SETTLE


def forty_silent(setting: Setting) -> list[Runner]:
    """The runners of forty more treatments, whose leases have just run out."""
    specs = [spec(f"t{number:02}") for number in range(40)]
    setting.runs.admit(RUN, specs, beginning(RUN, specs, setting.clock.now).treatments, ())
    setting.readiness.start_ready(setting.runs.list_treatments(RUN))
    runners = [setting.claimed(one.name) for one in specs]
    setting.clock.advance(LEASE)
    return runners


def test_looks_at_many_attempts_reach_each_within_the_time_of_one(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "_MOST_AT_ONCE", 10)
    runners = forty_silent(setting)
    for _ in range(4):
        setting.watchdog.run(RUN)
        run_id, after = setting.deadlines.runs.pop()
        assert (run_id, after) == (RUN, CHECK * (10 / 41))
        setting.clock.advance(after)
    setting.watchdog.run(RUN)
    assert {setting.runners.get_runner(runner.runner_id).state for runner in runners} == {RunnerState.LOST}


def test_a_look_that_takes_long_goes_on_with_the_next(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    runners = forty_silent(setting)
    declare = setting.runners.declare_lost

    def slowly(runner: Runner) -> bool:
        setting.clock.advance(timedelta(seconds=5))
        return declare(runner)

    monkeypatch.setattr(setting.runners, "declare_lost", slowly)
    setting.watchdog.run(RUN)
    assert setting.deadlines.runs == [(RUN, timedelta(seconds=1))]
    lost = [runner for runner in runners if setting.runners.get_runner(runner.runner_id).state is RunnerState.LOST]
    assert len(lost) == 5
    while any(setting.runners.get_runner(runner.runner_id).state.live for runner in runners):
        setting.clock.advance(timedelta(seconds=1))
        setting.watchdog.run(RUN)


def test_a_provider_s_runner_has_looks_of_its_own(setting: Setting) -> None:
    runner = at_work(setting, "aws-ec2")
    setting.clock.advance(LEASE)
    setting.watchdog.run(RUN)
    assert setting.machines.answers == {}
    setting.watchdog.runner(runner.runner_id)
    assert isinstance(answer(setting, "build-1"), RunnerLost)


def test_a_run_past_its_deadline_is_stopped(setting: Setting) -> None:
    setting.clock.advance(timedelta(seconds=600))
    for _ in range(2):
        setting.watchdog.run(RUN)
    run = setting.runs.get_run(RUN)
    assert (run.state, run.stop_requested) == (RunState.CANCELLING, RunState.TIMED_OUT)
    assert run.cause == "the run took longer than its max_duration of 600 s"
    assert isinstance(answer(setting, "run-token"), TimedOut)


def test_a_stop_whose_messenger_ended_reaches_the_machine(setting: Setting) -> None:
    setting.cancel()
    setting.watchdog.run(RUN)
    assert isinstance(answer(setting, "run-token"), Cancelled)
    assert setting.deadlines.runs


def test_a_final_run_is_left_alone(setting: Setting) -> None:
    setting.runs.finish_run(setting.runs.get_run(RUN), RunState.SUCCEEDED, None, setting.clock.now)
    setting.clock.advance(timedelta(days=1))
    setting.watchdog.run(RUN)
    assert setting.runs.get_run(RUN).state is RunState.SUCCEEDED
    assert setting.deadlines.runs == []


def test_a_run_whose_machine_was_never_started_is_started() -> None:
    setting = Setting()
    setting.create(spec("build"))
    setting.watchdog.run(RUN)
    assert setting.machines.runs == {RUN: 900}
    assert setting.deadlines.runs == [(RUN, timedelta(seconds=60))]


def test_a_run_that_never_began_ends_at_its_deadline() -> None:
    setting = Setting()
    setting.create(spec("build"))
    setting.clock.advance(timedelta(seconds=600))
    setting.watchdog.run(RUN)
    run = setting.runs.get_run(RUN)
    assert (run.state, run.cause) == (RunState.TIMED_OUT, "the run never began")


def test_a_run_that_may_take_seconds_is_ended_when_they_are_over() -> None:
    setting = Setting()
    setting.create(spec("build"), max_duration=3)
    setting.clock.advance(timedelta(seconds=3))
    setting.watchdog.run(RUN)
    assert setting.runs.get_run(RUN).stop_requested is None, "a machine may take a minute to begin"
    assert setting.deadlines.runs.pop() == (RUN, timedelta(seconds=3))

    setting.admit.admit(RUN, "run-token")
    assert setting.deadlines.runs.pop() == (RUN, timedelta(seconds=3))
    setting.watchdog.run(RUN, admitted=True)
    assert setting.deadlines.runs.pop() == (RUN, timedelta(seconds=3))
    setting.clock.advance(timedelta(seconds=3))
    setting.watchdog.run(RUN, admitted=True)
    assert setting.runs.get_run(RUN).stop_requested is RunState.TIMED_OUT


class ProcessEndedError(BaseException):
    pass


def _ends(*_: object) -> None:
    raise ProcessEndedError
