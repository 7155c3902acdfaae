"""Two things at the same time, or a call that ended half-way: one test for each race."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cadence.application.scheduling.watchdog import CHECK
from cadence.domain.pipelines.specification import RetrySpec, TreatmentSpec
from cadence.domain.placement.pool import Pool
from cadence.domain.runners.runner import OutputStream, Runner, RunnerOutcome, RunnerResult, RunnerState
from cadence.domain.runs.edge import EdgeState
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.scheduling.machine_error import MachineError
from cadence.domain.scheduling.machine_step import NextState
from cadence.domain.shared.errors import CadenceError, Cancelled, Conflict, Gone, RunnerLost, Transient
from cadence.domain.shared.ids import runner_id
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


def test_a_cancel_while_the_run_is_finalised_is_not_lost(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    setting.admitted(spec("a"))
    setting.done("a")
    meanwhile(monkeypatch, setting.runs, "finish_run", setting.cancel)
    with pytest.raises(Conflict):
        setting.finalise.finalise(RUN)
    assert setting.ended == []
    ended = setting.finalise.finalise(RUN)  # by its machine's Retry
    assert (ended.state, ended.cause) == (RunState.CANCELLED, "cancelled by alice")


def test_cancel_before_admission(setting: Setting) -> None:
    setting.create(spec("a"), spec("b", after=("a",)))
    setting.cancel()
    with pytest.raises(Cancelled):
        setting.admit.admit(RUN, "run-token")
    setting.stop()
    assert (setting.state("a"), setting.state("b")) == (S.CANCELLED, S.CANCELLED)
    assert "stop-token" in setting.machines.answers
    assert setting.finalise.finalise(RUN).state is RunState.CANCELLED


def test_cancel_after_half_an_admission(setting: Setting) -> None:
    setting.create(spec("a"), spec("b", after=("a",)))
    setting.runs.unsettled[RUN] = 2  # the count, and nothing else
    setting.cancel()
    setting.stop()
    assert setting.runs.count_unsettled(RUN) == 0
    assert "stop-token" in setting.machines.answers


def test_cancel_of_a_run_whose_plan_is_gone(setting: Setting) -> None:
    setting.create(spec("a"))
    setting.documents.contents.clear()
    setting.stop()
    assert "stop-token" in setting.machines.answers


def test_cancel_while_an_admission_still_writes(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    setting.create(spec("a"), spec("b"))
    meanwhile(monkeypatch, setting.runs, "advance", lambda: cancelled_and_stopped(setting))
    setting.admit.admit(RUN, "run-token")
    assert (setting.state("a"), setting.state("b")) == (S.CANCELLED, S.CANCELLED)
    assert setting.started() == []


def test_cancel_between_place_and_launch(setting: Setting) -> None:
    setting.pools.pools = (Pool(organization="acme", name="near", provider="ec2"),)
    setting.admitted(spec("a"))
    setting.place("a")
    setting.cancel()
    setting.stop()  # finds no runner: the provider looks at the run once it has written one
    assert setting.state("a") is S.BOOTING
    assert "stop-token" not in setting.machines.answers
    assert setting.failed_with("a", "Cancelled", "cancelled by alice") == "done"
    assert "stop-token" in setting.machines.answers


def test_cancel_of_a_runner_that_waits_for_a_host(setting: Setting) -> None:
    setting.admitted(spec("a"))
    setting.place("a")
    setting.cancel()
    setting.stop()
    assert isinstance(setting.machines.answers["a-1"], Cancelled)


@pytest.mark.parametrize(("port", "call"), [("runners", "offer_runner"), ("runs", "advance")])
def test_cancel_while_a_runner_is_being_offered(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, port: str, call: str
) -> None:
    setting.admitted(spec("a"))
    meanwhile(monkeypatch, getattr(setting, port), call, lambda: cancelled_and_stopped(setting))
    with pytest.raises(Cancelled):
        setting.place("a")
    assert (setting.state("a"), setting.offers.offered) == (S.CANCELLED, set())
    assert setting.failed_with("a", "Cancelled") == "done"
    assert {runner.state for runner in setting.runners.runners.values()} == {RunnerState.LOST}


def test_a_place_that_is_overtaken_by_its_repetition_adopts_what_that_began(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting.admitted(spec("a"))
    meanwhile(monkeypatch, setting.runs, "advance", lambda: setting.running("a"))
    setting.placing.place(RUN, "a", 1, "late")
    assert (setting.state("a"), setting.machines.answers) == (S.RUNNING, {})
    assert [runner.task_token for runner in setting.runners.runners.values()] == ["late"]


def test_cancel_just_before_the_offer(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    setting.admitted(spec("a"))
    meanwhile(monkeypatch, setting.offers, "put_offer", lambda: cancelled_and_stopped(setting))
    setting.placing.place(RUN, "a", 1, "a-1")
    assert isinstance(setting.machines.answers["a-1"], Cancelled)


def test_cancel_while_the_next_attempt_has_no_place_yet(setting: Setting) -> None:
    setting.admitted(spec("a", retry=RetrySpec(infrastructure=1)))
    setting.running("a")
    assert setting.failed_with("a", "RunnerLost") == "retry"
    cancelled_and_stopped(setting)
    assert setting.state("a") is S.CANCELLED
    with pytest.raises(Cancelled):
        setting.place("a")
    assert setting.failed_with("a", "Cancelled") == "done"


def test_cancel_while_a_runner_boots(setting: Setting) -> None:
    setting.admitted(spec("a"))
    setting.launched("a")
    setting.cancel()
    setting.stop()
    assert isinstance(setting.machines.answers["a-1"], Cancelled)


def test_cancel_between_a_claim_and_the_beginning_of_its_treatment(setting: Setting) -> None:
    setting.admitted(spec("a"))
    runner = setting.claimed("a")
    cancelled_and_stopped(setting)
    assert isinstance(setting.machines.answers["a-1"], Cancelled)
    assert setting.failed_with("a", "Cancelled") == "done"
    with pytest.raises(Gone):
        setting.beginning.mark(runner, setting.runs.get_spec(RUN, "a"))
    assert setting.state("a") is S.CANCELLED


def test_cancel_while_a_treatment_runs(setting: Setting) -> None:
    setting.admitted(spec("a"), spec("b", after=("a",)))
    setting.running("a")
    setting.cancel()
    setting.stop()
    assert isinstance(setting.machines.answers["a-1"], Cancelled)
    assert setting.state("b") is S.CANCELLED
    assert setting.failed_with("a", "Cancelled") == "done"
    assert setting.runs.count_unsettled(RUN) == 0


def test_a_result_that_crosses_a_cancel_is_kept(setting: Setting) -> None:
    setting.admitted(spec("a"))
    setting.running("a")
    setting.cancel()
    setting.stop()
    setting.complete("a")
    setting.failed_with("a", "Cancelled")
    assert setting.state("a") is S.SUCCEEDED
    assert setting.finalise.finalise(RUN).state is RunState.CANCELLED


def test_a_retry_while_the_run_is_being_stopped(setting: Setting) -> None:
    setting.admitted(spec("a", retry=RetrySpec(infrastructure=5)))
    setting.running("a")
    assert setting.failed_with("a", "RunnerLost") == "retry"
    setting.runs.request_stop(RUN, RunState.CANCELLED, "cancelled by alice")
    with pytest.raises(Cancelled):
        setting.place("a")
    assert setting.settle("a", 2, MachineError("Cancelled", "cancelled by alice")) == "done"
    setting.stop()
    assert setting.state("a") is S.CANCELLED
    assert "stop-token" in setting.machines.answers


def test_no_retry_once_the_run_is_being_stopped(setting: Setting) -> None:
    setting.admitted(spec("a", retry=RetrySpec(infrastructure=5)))
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
    assert isinstance(setting.machines.answers["b-1"], Cancelled)
    setting.failed_with("b", "Cancelled")
    assert "second" in setting.machines.answers
    assert setting.runs.count_unsettled(RUN) == 0


def test_a_treatment_that_becomes_ready_while_it_is_being_stopped(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting.admitted(spec("a"), spec("b", after=("a",)))
    setting.running("a")
    setting.complete("a")
    setting.cancel()
    meanwhile(monkeypatch, setting.runs, "settle", lambda: setting.settle("a", 1))
    setting.stop()
    assert setting.state("a") is S.SUCCEEDED
    with pytest.raises(Cancelled):  # its machine has begun, and looks at the run
        setting.place("b")
    setting.settle("b", 1, MachineError("Cancelled", "why"))
    assert setting.runs.count_unsettled(RUN) == 0


def test_a_stop_during_place_is_noticed(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    setting.admitted(spec("a"))
    setting.pools.pools = (Pool(organization="acme", name="near", provider="ec2"),)
    meanwhile(monkeypatch, setting.runs, "advance", lambda: cancelled_and_stopped(setting))
    with pytest.raises(Cancelled):
        setting.place("a")
    assert setting.state("a") is S.CANCELLED


def test_a_wait_for_the_rest_that_took_too_long_leaves_nothing_unfinished(setting: Setting) -> None:
    setting.admitted(spec("a"), spec("b"))
    setting.running("a")
    setting.cancel()
    assert setting.finalise.finalise(RUN).state is RunState.CANCELLED
    assert (setting.state("a"), setting.state("b")) == (S.CANCELLED, S.CANCELLED)
    assert setting.runs.count_unsettled(RUN) == 0


# losing


def test_a_runner_lost_before_its_treatment_began(setting: Setting) -> None:
    setting.admitted(spec("a", retry=RetrySpec(infrastructure=1)))
    runner = setting.claimed("a")
    assert setting.runners.declare_lost(runner)
    assert setting.failed_with("a", "RunnerLost") == "retry"
    with pytest.raises(Gone):
        setting.beginning.mark(runner, setting.runs.get_spec(RUN, "a"))


def test_an_agent_that_obeys_its_deadline_has_timed_out(setting: Setting) -> None:
    setting.admitted(spec("a"))
    runner = setting.running("a")
    setting.runners.change_runner(runner.runner_id, {RunnerState.CLAIMED}, cancel_reason="too long")
    setting.complete("a", RunnerOutcome.CANCELLED, "told to stop")
    setting.settle("a", 1)
    assert (setting.state("a"), setting.treatment("a").cause) == (S.TIMED_OUT, "too long")


def test_a_superseded_attempt_is_refused(setting: Setting) -> None:
    setting.admitted(spec("a", retry=RetrySpec(infrastructure=1)))
    runner = setting.running("a")
    setting.failed_with("a", "States.HeartbeatTimeout")
    assert setting.runners.get_runner(runner.runner_id).state is RunnerState.LOST
    with pytest.raises(Gone):
        setting.beginning.mark(runner, setting.runs.get_spec(RUN, "a"))
    with pytest.raises(CadenceError):
        setting.runners.complete(runner.runner_id, RunnerResult(outcome=RunnerOutcome.SUCCEEDED))


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
        setting.settle(last, 1)
    assert setting.settle(last, 1) == "done"
    assert setting.state("a") is S.SUCCEEDED
    assert setting.state("c") is S.SKIPPED
    assert "b" in setting.started()
    assert len({(v.treatment, v.port, v.attempt, v.sha256) for v in setting.runs.published}) == (
        2 if last == "b" else 1
    )
    assert ("run-token" in setting.machines.answers) == (last == "b")


def test_a_retry_that_was_decided_is_not_decided_again(setting: Setting) -> None:
    setting.admitted(spec("a", retry=RetrySpec(infrastructure=1)))
    setting.running("a")
    error = MachineError("RunnerLost", "gone")
    steps = [setting.settling.settle(RUN, "a", 1, error) for _ in range(3)]
    assert {(step.next, step.then, step.attempt) for step in steps} == {(NextState.RELEASE, NextState.RETRY, 2)}
    assert (setting.treatment("a").attempt, setting.treatment("a").infrastructure_failures) == (2, 1)


def test_what_cannot_be_placed_is_not_placed_again(setting: Setting) -> None:
    setting.admitted(spec("a", retry=RetrySpec(infrastructure=3, failure=3)), spec("b", on("a", "failed")))
    assert setting.settle("a", 1, MachineError("ProviderRejected", "no pool")) == "done"
    assert setting.state("a") is S.FAILED
    assert "b" in setting.started()


def test_two_producers_settle_at_once(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    setting.admitted(spec("a"), spec("b"), spec("c", after=("a", "b")))
    for name in ("a", "b"):
        setting.running(name)
        setting.complete(name)
    meanwhile(monkeypatch, setting.runs, "deliver", lambda: setting.settle("b", 1))
    setting.settle("a", 1)
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
    setting.settle("a", 1)
    assert "b" in setting.started()


def test_a_consumer_is_skipped_while_another_edge_is_delivered(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting.admitted(spec("a"), spec("b"), spec("c", after=("a", "b")), spec("d", after=("c",)))
    for name in ("a", "b"):
        setting.running(name)
    setting.complete("a")
    setting.complete("b", RunnerOutcome.FAILED, "exit 1")
    meanwhile(monkeypatch, setting.runs, "deliver", lambda: setting.settle("b", 1))
    setting.settle("a", 1)
    assert (setting.state("c"), setting.state("d")) == (S.SKIPPED, S.SKIPPED)
    assert setting.treatment("c").cause == "b failed, so it never completes"
    assert setting.started() == ["a", "b"]
    assert "run-token" in setting.machines.answers


def test_a_consumer_that_becomes_ready_is_not_skipped(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    setting.admitted(spec("a"), spec("b"), spec("c", stream("a"), after=("b",)))
    for name in ("a", "b"):
        setting.running(name)
    setting.complete("a", RunnerOutcome.FAILED, "exit 1", outputs=False)
    setting.complete("b")
    settle = setting.runs.settle

    def fed_first(treatment: Any, *rest: Any, **more: Any) -> bool:
        if treatment.name == "c":
            setting.settle("b", 1)
        return settle(treatment, *rest, **more)

    monkeypatch.setattr(setting.runs, "settle", fed_first)
    setting.settle("a", 1)
    assert setting.state("c") is S.READY
    assert setting.started() == ["a", "b", "c"]


def test_a_stream_opened_by_a_call_that_ended_is_still_followed(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting.admitted(spec("a"), spec("b", stream("a")))
    runner = setting.claimed("a")
    with ends_at(monkeypatch, setting.machines, "start_treatment"):
        setting.beginning.mark(runner, setting.runs.get_spec(RUN, "a"))
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
    setting.complete("root", RunnerOutcome.FAILED, "exit 1")
    read: list[str] = []
    edges_from = setting.runs.edges_from

    def noted(run: str, name: str) -> Any:
        read.append(name)
        return edges_from(run, name)

    monkeypatch.setattr(setting.runs, "edges_from", noted)
    for _ in range(2):  # the second time over what is skipped already
        read.clear()
        setting.settle("root", 1)
        assert len(read) == len(specs)
    assert setting.runs.count_unsettled(RUN) == 0


# admitting


def test_an_admission_repeated_after_progress(setting: Setting) -> None:
    setting.admitted(spec("a"), spec("b", after=("a",)), spec("c", after=("b",)))
    setting.done("a")
    setting.running("b")
    before = setting.runs.list_treatments(RUN)
    setting.admit.admit(RUN, "second-token")
    assert setting.runs.list_treatments(RUN) == before
    assert setting.started() == ["a", "b"]
    setting.complete("b")
    setting.settle("b", 1)
    setting.done("c")
    assert "second-token" in setting.machines.answers
    assert {edge.state for edge in setting.runs.edges_of(RUN)} == {EdgeState.DELIVERED}


def test_an_admission_repeated_after_everything_settled_answers_its_token(setting: Setting) -> None:
    setting.admitted(spec("a"))
    setting.done("a")
    setting.admit.admit(RUN, "second-token")
    assert "second-token" in setting.machines.answers


def test_an_admission_that_ended_before_starting_is_completed(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting.create(spec("a"), spec("b"))
    with ends_at(monkeypatch, setting.machines, "start_treatment"):
        setting.admit.admit(RUN, "one")
    setting.admit.admit(RUN, "two")
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


# settling with the result


def completes(setting: Setting, name: str, outcome: RunnerOutcome = RunnerOutcome.SUCCEEDED) -> Any:
    """The agent hands in its result; what its machine is told."""
    runner = setting.running(name)
    put_output(setting, runner)
    setting.hand_in(runner, RunnerResult(outcome=outcome, exit_code=0))
    return setting.machines.answers[setting.token(name, runner.attempt)]


def put_output(setting: Setting, runner: Runner) -> None:
    output = OutputStream(port="out", committed=1, size=3, ended=True, sha256="a" * 64, preview=b"abc")
    setting.runners.put_output(runner.runner_id, output)


def test_a_success_is_settled_before_its_machine_hears_of_it(setting: Setting) -> None:
    setting.admitted(spec("a"), spec("b", after=("a",)), spec("c", on("a", "failed")))
    told = completes(setting, "a")
    assert (told["next"], told["attempt"]) == ("done", 1)
    assert [setting.state(name) for name in "abc"] == [S.SUCCEEDED, S.READY, S.SKIPPED]
    assert setting.started() == ["a", "b"]
    assert [value.port for value in setting.runs.published] == ["out"]


def test_a_cloud_s_runner_is_released_whatever_it_said(setting: Setting) -> None:
    setting.pools.pools = (Pool(organization="acme", name="near", provider="ec2"),)
    setting.admitted(spec("a"))
    told = completes(setting, "a")
    assert (told["next"], told["then"], told["function"]) == ("release", "done", "provider-ec2")
    assert told["runner_id"] == runner_id(RUN, "a", 1)


@pytest.mark.parametrize(
    "outcome", [RunnerOutcome.FAILED, RunnerOutcome.INFRASTRUCTURE, RunnerOutcome.CANCELLED, RunnerOutcome.TIMED_OUT]
)
def test_what_did_not_succeed_is_settled_by_its_machine(setting: Setting, outcome: RunnerOutcome) -> None:
    setting.admitted(spec("a"))
    assert completes(setting, "a", outcome)["next"] == "settle"
    assert setting.state("a") is S.RUNNING


def test_many_consumers_are_fed_by_the_machine(setting: Setting) -> None:
    setting.admitted(spec("a"), *[spec(f"b{n}", after=("a",)) for n in range(40)])
    assert completes(setting, "a")["next"] == "settle"
    assert setting.state("a") is S.SUCCEEDED
    assert setting.settle("a", 1) == "done"
    assert len(setting.started()) == 41


def skipped_with(call: str) -> tuple[TreatmentSpec, ...]:
    """Returns a treatment to be skipped where the call is made only after the write that settles."""
    return (spec("alarm", on("a", "failed"), outputs=()),) if call == "deliver" else ()


@pytest.mark.parametrize("call", ["put_values", "settle", "edges_from", "deliver"])
def test_a_quick_settle_that_meets_an_error_is_done_by_the_machine(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    setting.admitted(spec("a"), spec("b", after=("a",)), *skipped_with(call))

    def busy(*_: object, **__: object) -> None:
        raise Transient("the table is busy")

    runner = setting.running("a")
    put_output(setting, runner)
    with monkeypatch.context() as patch:
        patch.setattr(setting.runs, call, busy)
        setting.hand_in(runner, RunnerResult(outcome=RunnerOutcome.SUCCEEDED))
    told = setting.machines.answers["a-1"]
    assert not isinstance(told, CadenceError)
    assert told["next"] == "settle"
    assert setting.settle("a", 1) == "done"
    assert (setting.state("a"), setting.state("b")) == (S.SUCCEEDED, S.READY)
    assert setting.started() == ["a", "b"]


@pytest.mark.parametrize(
    ("port", "call"), [("runs", "put_values"), ("runs", "settle"), ("runs", "edges_from"), ("runs", "deliver"), ("machines", "start_treatment"), ("machines", "proceed")]
)  # fmt: skip
def test_a_result_whose_call_ended_anywhere_may_be_handed_in_again(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, port: str, call: str
) -> None:
    setting.admitted(spec("a"), spec("b", after=("a",)), *skipped_with(call))
    runner = setting.running("a")
    put_output(setting, runner)
    with ends_at(monkeypatch, getattr(setting, port), call):
        setting.hand_in(runner, RunnerResult(outcome=RunnerOutcome.SUCCEEDED))
    setting.hand_in(runner, RunnerResult(outcome=RunnerOutcome.SUCCEEDED))
    assert setting.machines.answers["a-1"]
    assert setting.settle("a", 1) == "done"
    assert setting.started() == ["a", "b"]


def test_a_result_that_crosses_its_machine_s_error_settles_once(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting.admitted(spec("a", retry=RetrySpec(infrastructure=1)), spec("b", after=("a",)))
    runner = setting.running("a")
    put_output(setting, runner)
    meanwhile(monkeypatch, setting.runs, "settle", lambda: setting.failed_with("a", "RunnerLost"))
    setting.hand_in(runner, RunnerResult(outcome=RunnerOutcome.SUCCEEDED))
    assert (setting.state("a"), setting.treatment("a").attempt) == (S.SUCCEEDED, 1)
    assert setting.runs.count_unsettled(RUN) == 1


def test_a_consumer_that_moves_meanwhile_does_not_keep_a_success_from_being_settled(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting.admitted(spec("a"), spec("b", after=("a",)), spec("c", after=("a",)))
    runner = setting.running("a")
    put_output(setting, runner)

    def cancelled() -> None:
        setting.runs.settle(setting.treatment("b"), S.CANCELLED, "cancelled by ada", None, setting.clock.now)

    meanwhile(monkeypatch, setting.runs, "settle", cancelled)
    setting.hand_in(runner, RunnerResult(outcome=RunnerOutcome.SUCCEEDED))
    assert [setting.state(name) for name in "abc"] == [S.SUCCEEDED, S.CANCELLED, S.READY]
    assert setting.started() == ["a", "c"]
    assert setting.runs.count_unsettled(RUN) == 1


def test_two_producers_that_end_at_the_same_time_start_their_consumer_once(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting.admitted(spec("a"), spec("b"), spec("c", after=("a", "b")))
    runners = {name: setting.running(name) for name in "ab"}
    for runner in runners.values():
        put_output(setting, runner)
    success = RunnerResult(outcome=RunnerOutcome.SUCCEEDED)
    meanwhile(monkeypatch, setting.runs, "settle", lambda: setting.hand_in(runners["b"], success))
    setting.hand_in(runners["a"], success)
    assert [setting.state(name) for name in "abc"] == [S.SUCCEEDED, S.SUCCEEDED, S.READY]
    assert setting.started() == ["a", "b", "c"]


def test_a_result_of_a_superseded_attempt_settles_nothing(setting: Setting) -> None:
    setting.admitted(spec("a", retry=RetrySpec(infrastructure=1)))
    runner = setting.running("a")
    setting.failed_with("a", "RunnerLost")
    with pytest.raises(Gone):
        setting.hand_in(runner, RunnerResult(outcome=RunnerOutcome.SUCCEEDED))
    assert (setting.state("a"), setting.treatment("a").attempt) == (S.PLACING, 2)


# placing again


def test_a_place_that_is_repeated_while_its_runner_is_cancelled_ends(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting.admitted(spec("a"))
    setting.claimed("a")

    def cancelled() -> None:
        treatment = setting.runs.request_cancel(RUN, "a", "another instance failed")
        setting.stop_run.end.end(treatment, "another instance failed")

    meanwhile(monkeypatch, setting.runners, "put_runner", cancelled)
    with pytest.raises(Cancelled, match="another instance failed"):
        setting.place("a")


def test_a_place_that_is_repeated_adopts_the_runner_with_its_new_token(setting: Setting) -> None:
    setting.admitted(spec("a"))
    runner = setting.claimed("a")
    setting.placing.place(RUN, "a", 1, "again")
    assert setting.runners.get_runner(runner.runner_id).task_token == "again"
    assert setting.runners.get_runner(runner.runner_id).state is RunnerState.CLAIMED
    setting.complete("a")
    setting.placing.place(RUN, "a", 1, "once more")
    told = setting.machines.answers["once more"]
    assert not isinstance(told, CadenceError)
    assert told["next"] == "settle"


def test_a_place_that_is_repeated_after_a_loss_says_so(setting: Setting) -> None:
    setting.admitted(spec("a"))
    assert setting.runners.declare_lost(setting.claimed("a"))
    with pytest.raises(RunnerLost):
        setting.placing.place(RUN, "a", 1, "again")


def test_a_place_that_ended_half_way_is_noticed(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    setting.admitted(spec("a"))
    with ends_at(monkeypatch, setting.runners, "offer_runner"):
        setting.place("a")
    setting.watchdog.run(RUN)
    assert setting.machines.answers == {}
    setting.clock.advance(CHECK)
    setting.watchdog.run(RUN)
    assert isinstance(setting.machines.answers["a-1"], Transient)
