"""An execution that ended outside of our code: what it was to do is done all the same, and the run has a true end."""

import json
from datetime import timedelta
from typing import Any

import pytest

from cadence.adapters.lambda_runtime.execution_events import broken_execution, is_execution_event
from cadence.application.scheduling.watchdog import CHECK, STOP_TAKES
from cadence.domain.pipelines.specification import RetrySpec
from cadence.domain.runners.runner import RunnerState
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.scheduling.machine_error import MachineError
from cadence.domain.shared.errors import Cancelled, Conflict
from tests.unit.scheduling.setting import RUN, Setting, on, spec

RESTART = MachineError("States.ServiceRestart", "the stack was stopped")


def test_a_broken_treatment_is_lost_for_good_with_the_cause(setting: Setting) -> None:
    setting.admitted(spec("build", retry=RetrySpec(infrastructure=3)), spec("alarm", on("build", "failed")))
    runner = setting.running("build")
    setting.execution_failed.of_treatment(RUN, "build", RESTART)
    assert setting.state("build") is TreatmentState.LOST
    assert setting.treatment("build").cause == "the stack was stopped"
    assert setting.runners.get_runner(runner.runner_id).state is RunnerState.LOST
    assert setting.started() == ["build", "alarm"]


def test_a_result_that_is_in_is_what_happened(setting: Setting) -> None:
    setting.admitted(spec("build"))
    setting.running("build")
    setting.complete("build")
    setting.execution_failed.of_treatment(RUN, "build", RESTART)
    setting.execution_failed.of_treatment(RUN, "build", RESTART)
    assert setting.state("build") is TreatmentState.SUCCEEDED
    assert [value.port for value in setting.runs.published] == ["out"]
    assert setting.machines.answers["run-token"] == {"run_id": RUN}


def test_a_treatment_that_moves_meanwhile_is_read_again(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    setting.admitted(spec("build"))
    settle = setting.runs.settle
    moves = iter([True])

    def moving_once(treatment: Treatment, *arguments: Any, **more: Any) -> bool:
        if next(moves, False):
            raise Conflict("moved")
        return settle(treatment, *arguments, **more)

    monkeypatch.setattr(setting.runs, "settle", moving_once)
    setting.execution_failed.of_treatment(RUN, "build", RESTART)
    assert setting.state("build") is TreatmentState.LOST


def test_a_broken_run_is_ended_by_another_execution_of_its_machine(setting: Setting) -> None:
    setting.admitted(spec("build"), spec("later", on("build", "completed")))
    setting.running("build")
    setting.execution_failed.of_run(RUN, 1, RESTART)
    setting.execution_failed.of_run(RUN, 1, RESTART)
    assert set(setting.machines.runs) == {f"{RUN}-2"}
    with pytest.raises(Cancelled, match="the stack was stopped"):
        setting.admit.admit(RUN, "second-token")
    setting.stop("stop-token")
    setting.execution_failed.of_treatment(RUN, "build", RESTART)
    assert setting.machines.answers["stop-token"] == {"run_id": RUN}
    run = setting.finalise.finalise(RUN)
    assert run.state is RunState.FAILED
    assert run.cause == "the run's state machine broke: the stack was stopped"
    assert (setting.state("build"), setting.state("later")) == (TreatmentState.LOST, TreatmentState.CANCELLED)


def test_a_cancelled_run_that_breaks_stays_cancelled(setting: Setting) -> None:
    setting.admitted(spec("build"))
    setting.cancel()
    setting.execution_failed.of_run(RUN, 1, RESTART)
    assert setting.finalise.finalise(RUN).state is RunState.CANCELLED


def test_a_run_whose_last_execution_broke_is_finalised_at_once(setting: Setting) -> None:
    setting.admitted(spec("build"))
    setting.execution_failed.of_run(RUN, 3, RESTART)
    run = setting.runs.get_run(RUN)
    assert (run.state, setting.state("build")) == (RunState.FAILED, TreatmentState.CANCELLED)
    assert setting.machines.runs == {}


def test_what_has_ended_or_is_unknown_is_left_alone(setting: Setting) -> None:
    setting.admitted(spec("build"))
    setting.done("build")
    ended = setting.finalise.finalise(RUN)
    setting.execution_failed.of_run(RUN, 1, RESTART)
    setting.execution_failed.of_run("unknown", 1, RESTART)
    setting.execution_failed.of_treatment(RUN, "unknown", RESTART)
    assert setting.runs.get_run(RUN) == ended
    assert setting.machines.runs == {}


def test_a_run_that_nobody_ended_long_after_its_deadline_is_finalised(setting: Setting) -> None:
    setting.admitted(spec("build"))
    setting.clock.advance(timedelta(seconds=600))
    setting.deadlines.runs.clear()
    setting.watchdog.run(RUN)
    assert setting.deadlines.runs == [(RUN, CHECK)]
    setting.clock.advance(STOP_TAKES)
    setting.watchdog.run(RUN)
    assert setting.runs.get_run(RUN).state is RunState.TIMED_OUT


def event(name: str, given: dict[str, Any], **detail: Any) -> dict[str, Any]:
    return {"source": "aws.states", "detail": {"name": name, "input": json.dumps(given), "status": "FAILED", **detail}}


def test_events_are_read() -> None:
    failed = event("01a-2", {"run_id": "01a"}, error="States.Runtime", cause="why")
    broken = broken_execution(failed)
    assert is_execution_event(failed)
    assert not is_execution_event({"run_id": "01a"})
    assert (broken.run_id, broken.treatment, broken.number) == ("01a", None, 2)
    assert broken.error == MachineError("States.Runtime", "why")
    treatment = broken_execution(
        event("01a-0123456789ab", {"run_id": "01a", "treatment": "t"}, status="ABORTED", error=None)
    )
    assert (treatment.treatment, treatment.number, treatment.error.name) == ("t", 1, "Aborted")
    assert broken_execution(event("01a", {"run_id": "01a"}, status="TIMED_OUT")).error.name == "States.Timeout"
    raised = event("01a", {"run_id": "01a"}, error="Transient", cause=json.dumps({"errorMessage": "busy"}))
    assert broken_execution(raised).error.cause == "busy"
