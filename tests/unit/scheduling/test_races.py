"""Two things at the same time, or a call that ended half-way: one test for each race."""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cadence.application.settle import MachineError
from cadence.domain.errors import CadenceError, Cancelled, Conflict, RunnerLost, TimedOut
from cadence.domain.run import EdgeState, RetrySpec, RunState, TreatmentState
from cadence.domain.runner import Outcome, Result, RunnerState
from tests.unit.scheduling.setting import RUN, Setting, on, spec, stream

S = TreatmentState


class ProcessEndedError(BaseException):
    pass


@contextmanager
def ends_at(monkeypatch: pytest.MonkeyPatch, port: object, call: str) -> Iterator[None]:
    """The process ends just before this call."""

    def end(*_: object, **__: object) -> None:
        raise ProcessEndedError

    with monkeypatch.context() as patch:
        patch.setattr(port, call, end)
        with pytest.raises(ProcessEndedError):
            yield


def meanwhile(monkeypatch: pytest.MonkeyPatch, port: object, call: str, event: Callable[[], Any]) -> None:
    """Something else happens just before the next such call."""
    original = getattr(port, call)

    def later(*arguments: Any, **named: Any) -> Any:
        monkeypatch.setattr(port, call, original)
        event()
        return original(*arguments, **named)

    monkeypatch.setattr(port, call, later)


def cancelled_and_stopped(setting: Setting) -> None:
    setting.cancel()
    setting.stop()


# stopping


def test_cancel_before_admission(setting: Setting) -> None:
    setting.create(spec("a"), spec("b", after=("a",)))
    setting.cancel()
    with pytest.raises(Cancelled):
        setting.admit(RUN, "run-token")
    setting.stop()
    assert (setting.state("a"), setting.state("b")) == (S.CANCELLED, S.CANCELLED)
    assert "stop-token" in setting.machines.answers
    assert setting.finalise(RUN).state is RunState.CANCELLED


def test_cancel_after_half_an_admission(setting: Setting) -> None:
    setting.create(spec("a"), spec("b", after=("a",)))
    setting.runs.runs[RUN] = dataclasses.replace(setting.runs.get_run(RUN), unsettled=2)  # the count, and nothing else
    setting.cancel()
    setting.stop()
    assert setting.runs.get_run(RUN).unsettled == 0
    assert "stop-token" in setting.machines.answers


def test_cancel_of_a_run_whose_plan_is_gone(setting: Setting) -> None:
    setting.create(spec("a"))
    setting.documents.contents.clear()
    setting.stop()
    assert "stop-token" in setting.machines.answers


def test_cancel_while_an_admission_still_writes(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    setting.create(spec("a"), spec("b"))
    meanwhile(monkeypatch, setting.runs, "list_treatments", lambda: cancelled_and_stopped(setting))
    setting.admit(RUN, "run-token")
    assert (setting.state("a"), setting.state("b")) == (S.CANCELLED, S.CANCELLED)
    assert setting.started() == []


def test_cancel_between_place_and_launch(setting: Setting) -> None:
    setting.admitted(spec("a"))
    setting.place(RUN, "a")
    setting.cancel()
    setting.stop()  # finds no runner: the provider looks at the run once it has written one
    assert setting.state("a") is S.BOOTING
    assert "stop-token" not in setting.machines.answers
    assert setting.failed_with("a", "Cancelled", "cancelled by alice") == "done"
    assert "stop-token" in setting.machines.answers


def test_cancel_while_a_runner_boots(setting: Setting) -> None:
    setting.admitted(spec("a"))
    setting.launched("a")
    setting.cancel()
    setting.stop()
    assert isinstance(setting.machines.answers["launch-a-1"], Cancelled)


def test_cancel_between_the_answer_of_launch_and_hold(setting: Setting) -> None:
    setting.admitted(spec("a"))
    runner = setting.claimed("a")
    setting.cancel()
    setting.stop()
    with pytest.raises(Cancelled, match="cancelled by alice"):
        setting.hold(RUN, "a", runner.runner_id, "execute-a-1")


def test_cancel_between_keeping_the_token_and_looking_at_the_run(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting.admitted(spec("a"))
    runner = setting.claimed("a")
    meanwhile(monkeypatch, setting.runners, "keep_execute_token", setting.cancel)
    with pytest.raises(Cancelled):
        setting.hold(RUN, "a", runner.runner_id, "execute-a-1")
    assert setting.runners.get_runner(runner.runner_id).cancel_reason == "cancelled by alice"


def test_cancel_while_a_treatment_runs(setting: Setting) -> None:
    setting.admitted(spec("a"), spec("b", after=("a",)))
    setting.running("a")
    setting.cancel()
    setting.stop()
    assert isinstance(setting.machines.answers["execute-a-1"], Cancelled)
    assert setting.state("b") is S.CANCELLED
    assert setting.failed_with("a", "Cancelled") == "done"
    assert setting.runs.get_run(RUN).unsettled == 0


def test_a_result_that_crosses_a_cancel_is_kept(setting: Setting) -> None:
    setting.admitted(spec("a"))
    setting.running("a")
    setting.cancel()
    setting.stop()
    setting.complete("a")
    setting.failed_with("a", "Cancelled")
    assert setting.state("a") is S.SUCCEEDED
    assert setting.finalise(RUN).state is RunState.CANCELLED


def test_a_retry_while_the_run_is_being_stopped(setting: Setting) -> None:
    setting.admitted(spec("a", retry=RetrySpec(5)))
    setting.running("a")
    assert setting.failed_with("a", "RunnerLost") == "retry"
    setting.cancel()
    setting.stop()
    with pytest.raises(Cancelled):
        setting.place(RUN, "a")
    assert not setting.settle(RUN, "a", None, MachineError("Cancelled", "cancelled by alice")).retry
    assert setting.state("a") is S.CANCELLED
    assert "stop-token" in setting.machines.answers


def test_no_retry_once_the_run_is_being_stopped(setting: Setting) -> None:
    setting.admitted(spec("a", retry=RetrySpec(5)))
    setting.running("a")
    setting.cancel()
    assert setting.failed_with("a", "RunnerLost") == "done"
    assert setting.state("a") is S.LOST


def test_a_stop_that_ended_half_way_is_completed(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    setting.admitted(spec("a"), spec("b"), spec("c"))
    setting.running("b")
    setting.cancel()
    with ends_at(monkeypatch, setting.machines, "fail"):
        setting.stop("first")
    setting.stop("second")
    assert isinstance(setting.machines.answers["execute-b-1"], Cancelled)
    setting.failed_with("b", "Cancelled")
    assert "second" in setting.machines.answers
    assert setting.runs.get_run(RUN).unsettled == 0


def test_a_treatment_that_becomes_ready_while_it_is_being_stopped(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting.admitted(spec("a"), spec("b", after=("a",)))
    setting.running("a")
    setting.complete("a")
    setting.cancel()
    meanwhile(monkeypatch, setting.runs, "settle", lambda: setting.settle(RUN, "a", 1, None))
    setting.stop()
    assert setting.state("a") is S.SUCCEEDED
    with pytest.raises(Cancelled):  # its machine has begun, and looks at the run
        setting.place(RUN, "b")
    setting.settle(RUN, "b", None, MachineError("Cancelled", "why"))
    assert setting.runs.get_run(RUN).unsettled == 0


def test_a_stop_during_place_is_noticed(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    setting.admitted(spec("a"))
    meanwhile(monkeypatch, setting.runs, "advance", lambda: cancelled_and_stopped(setting))
    with pytest.raises(Cancelled):
        setting.place(RUN, "a")
    assert setting.state("a") is S.CANCELLED


def test_a_wait_for_the_rest_that_took_too_long_leaves_nothing_unfinished(setting: Setting) -> None:
    setting.admitted(spec("a"), spec("b"))
    setting.running("a")
    setting.cancel()
    assert setting.finalise(RUN).state is RunState.CANCELLED
    assert (setting.state("a"), setting.state("b")) == (S.CANCELLED, S.CANCELLED)
    assert setting.runs.get_run(RUN).unsettled == 0


# losing


def test_a_runner_lost_before_hold(setting: Setting) -> None:
    setting.admitted(spec("a"))
    runner = setting.claimed("a")
    assert setting.runners.declare_lost(runner)
    with pytest.raises(RunnerLost):
        setting.hold(RUN, "a", runner.runner_id, "execute-a-1")


def test_a_result_before_hold(setting: Setting) -> None:
    setting.admitted(spec("a"))
    runner = setting.claimed("a")
    setting.complete("a")
    setting.hold(RUN, "a", runner.runner_id, "execute-a-1")
    assert setting.machines.answers["execute-a-1"] == {"runner_id": runner.runner_id}


def test_a_time_that_ran_out_before_hold_is_no_cancel(setting: Setting) -> None:
    setting.admitted(spec("a"))
    runner = setting.claimed("a")
    setting.runners.change_runner(runner.runner_id, {RunnerState.CLAIMED}, cancel_reason="too long")
    with pytest.raises(TimedOut, match="too long"):
        setting.hold(RUN, "a", runner.runner_id, "execute-a-1")


def test_an_agent_that_obeys_its_deadline_has_timed_out(setting: Setting) -> None:
    setting.admitted(spec("a"))
    runner = setting.running("a")
    setting.runners.change_runner(runner.runner_id, {RunnerState.CLAIMED}, cancel_reason="too long")
    setting.complete("a", Outcome.CANCELLED, "told to stop")
    setting.settle(RUN, "a", 1, None)
    assert (setting.state("a"), setting.treatment("a").cause) == (S.TIMED_OUT, "too long")


def test_a_superseded_attempt_is_refused(setting: Setting) -> None:
    setting.admitted(spec("a", retry=RetrySpec(1)))
    runner = setting.running("a")
    setting.failed_with("a", "States.HeartbeatTimeout")
    assert setting.runners.get_runner(runner.runner_id).state is RunnerState.LOST
    with pytest.raises(Cancelled):
        setting.hold(RUN, "a", runner.runner_id, "again")
    with pytest.raises(CadenceError):
        setting.runners.complete(runner.runner_id, Result(Outcome.SUCCEEDED))


# settling


@pytest.mark.parametrize(
    ("port", "call"), [("runs", "put_values"), ("runs", "settle"), ("runs", "edges_from"), ("runs", "deliver"), ("machines", "start_treatment"), ("machines", "succeed")]
)  # fmt: skip
def test_a_settle_that_ended_anywhere_is_completed(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, port: str, call: str
) -> None:
    setting.admitted(spec("a"), spec("b", after=("a",)), spec("c", on("a", "failed")))
    if call == "succeed":
        setting.done("a")
        setting.running("b")
        setting.complete("b")
        last = "b"
    else:
        setting.running("a")
        setting.complete("a")
        last = "a"
    with ends_at(monkeypatch, getattr(setting, port), call):
        setting.settle(RUN, last, 1, None)
    assert not setting.settle(RUN, last, 1, None).retry
    assert setting.state("a") is S.SUCCEEDED
    assert setting.state("c") is S.SKIPPED
    assert "b" in setting.started()
    assert len({(v.treatment, v.port, v.attempt, v.sha256) for v in setting.runs.published}) == (
        2 if last == "b" else 1
    )
    assert ("run-token" in setting.machines.answers) == (last == "b")


def test_a_retry_that_was_decided_is_not_decided_again(setting: Setting) -> None:
    setting.admitted(spec("a", retry=RetrySpec(1)))
    setting.running("a")
    error = MachineError("RunnerLost", "gone")
    assert all(setting.settle(RUN, "a", 1, error).retry for _ in range(3))
    assert (setting.treatment("a").attempt, setting.treatment("a").infrastructure_failures) == (2, 1)


def test_what_cannot_be_placed_is_not_placed_again(setting: Setting) -> None:
    setting.admitted(spec("a", retry=RetrySpec(3, 3)), spec("b", on("a", "failed")))
    assert not setting.settle(RUN, "a", None, MachineError("ProviderRejected", "no pool")).retry
    assert setting.state("a") is S.FAILED
    assert "b" in setting.started()


def test_two_producers_settle_at_once(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    setting.admitted(spec("a"), spec("b"), spec("c", after=("a", "b")))
    for name in ("a", "b"):
        setting.running(name)
        setting.complete(name)
    meanwhile(monkeypatch, setting.runs, "deliver", lambda: setting.settle(RUN, "b", 1, None))
    setting.settle(RUN, "a", 1, None)
    assert setting.state("c") is S.READY
    assert setting.started() == ["a", "b", "c"]


def test_what_another_call_made_ready_and_did_not_start_is_started(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting.admitted(spec("a"), spec("b", after=("a",)))
    setting.running("a")
    setting.complete("a")
    advance = setting.runs.advance
    meanwhile(monkeypatch, setting.runs, "advance", lambda: advance(RUN, "b", 1, {S.PENDING}, S.READY))
    setting.settle(RUN, "a", 1, None)
    assert "b" in setting.started()


def test_a_consumer_is_skipped_while_another_edge_is_delivered(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting.admitted(spec("a"), spec("b"), spec("c", after=("a", "b")), spec("d", after=("c",)))
    for name in ("a", "b"):
        setting.running(name)
    setting.complete("a")
    setting.complete("b", Outcome.FAILED, "exit 1")
    meanwhile(monkeypatch, setting.runs, "deliver", lambda: setting.settle(RUN, "b", 1, None))
    setting.settle(RUN, "a", 1, None)
    assert (setting.state("c"), setting.state("d")) == (S.SKIPPED, S.SKIPPED)
    assert setting.treatment("c").cause == "b failed, so it never completes"
    assert setting.started() == ["a", "b"]
    assert "run-token" in setting.machines.answers


def test_a_consumer_that_becomes_ready_is_not_skipped(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    setting.admitted(spec("a"), spec("b"), spec("c", stream("a"), after=("b",)))
    for name in ("a", "b"):
        setting.running(name)
    setting.complete("a", Outcome.FAILED, "exit 1", outputs=False)
    setting.complete("b")
    settle = setting.runs.settle

    def fed_first(treatment: Any, *rest: Any) -> bool:
        if treatment.name == "c":
            setting.settle(RUN, "b", 1, None)
        return settle(treatment, *rest)

    monkeypatch.setattr(setting.runs, "settle", fed_first)
    setting.settle(RUN, "a", 1, None)
    assert setting.state("c") is S.READY
    assert setting.started() == ["a", "b", "c"]


def test_a_stream_opened_by_a_call_that_ended_is_still_followed(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting.admitted(spec("a"), spec("b", stream("a")))
    runner = setting.claimed("a")
    with ends_at(monkeypatch, setting.machines, "start_treatment"):
        setting.hold(RUN, "a", runner.runner_id, "execute-a-1")
    assert setting.state("b") is S.READY
    setting.failed_with("a", "Lambda.Unknown")
    assert "b" in setting.started()


def test_a_wide_graph_is_skipped_in_one_pass(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    layers = [[f"t{layer}-{n}" for n in range(3)] for layer in range(12)]
    specs = [spec("root")] + [
        spec(name, after=tuple(layers[i - 1]) if i else ("root",)) for i, layer in enumerate(layers) for name in layer
    ]
    setting.admitted(*specs)
    setting.running("root")
    setting.complete("root", Outcome.FAILED, "exit 1")
    read: list[str] = []
    edges_from = setting.runs.edges_from

    def noted(run: str, name: str) -> Any:
        read.append(name)
        return edges_from(run, name)

    monkeypatch.setattr(setting.runs, "edges_from", noted)
    for _ in range(2):  # the second time over what is skipped already
        read.clear()
        setting.settle(RUN, "root", 1, None)
        assert len(read) == len(specs)
    assert setting.runs.get_run(RUN).unsettled == 0


# admitting


def test_an_admission_repeated_after_progress(setting: Setting) -> None:
    setting.admitted(spec("a"), spec("b", after=("a",)), spec("c", after=("b",)))
    setting.done("a")
    setting.running("b")
    before = setting.runs.list_treatments(RUN)
    setting.admit(RUN, "second-token")
    assert setting.runs.list_treatments(RUN) == before
    assert setting.started() == ["a", "b"]
    setting.complete("b")
    setting.settle(RUN, "b", 1, None)
    setting.done("c")
    assert "second-token" in setting.machines.answers
    assert {edge.state for edge in setting.runs.edges_of(RUN)} == {EdgeState.DELIVERED}


def test_an_admission_repeated_after_everything_settled_answers_its_token(setting: Setting) -> None:
    setting.admitted(spec("a"))
    setting.done("a")
    setting.admit(RUN, "second-token")
    assert "second-token" in setting.machines.answers


def test_an_admission_that_ended_before_starting_is_completed(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting.create(spec("a"), spec("b"))
    with ends_at(monkeypatch, setting.machines, "start_treatment"):
        setting.admit(RUN, "one")
    setting.admit(RUN, "two")
    assert setting.started() == ["a", "b"]


def test_a_settle_of_a_treatment_that_moves_is_tried_again(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    setting.admitted(spec("a"))
    runner = setting.launched("a")
    meanwhile(monkeypatch, setting.runs, "settle", lambda: setting.runs.advance(RUN, "a", 1, {S.BOOTING}, S.RUNNING))
    with pytest.raises(Conflict):
        setting.failed_with("a", "BootTimedOut")
    assert setting.failed_with("a", "BootTimedOut") == "done"
    assert setting.state("a") is S.LOST
    assert not setting.runners.get_runner(runner.runner_id).state.live
