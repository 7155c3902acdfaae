"""What each use case decides, and says when it cannot go on."""

from datetime import timedelta

import pytest

from cadence.domain.pipelines.specification import RetrySpec
from cadence.domain.placement.pool import Pool, PoolRefusal
from cadence.domain.runners.runner import RunnerOutcome
from cadence.domain.runs.run import first_look
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.scheduling.machine_error import MachineError
from cadence.domain.shared.errors import Cancelled, NotFound, NotReady, ProviderRejected
from tests.unit.scheduling.setting import RUN, Setting, on, spec, stream

S = TreatmentState


# admit


def test_admission_starts_what_waits_for_nothing(setting: Setting) -> None:
    setting.admitted(spec("a"), spec("b", after=("a",)), spec("c"))
    assert setting.started() == ["a", "c"]
    assert (setting.state("a"), setting.state("b")) == (S.READY, S.PENDING)
    assert setting.deadlines.runs == []
    assert setting.log_stream.needs == 1
    run = setting.runs.get_run(RUN)
    assert (run.state, run.machine_token) == (RunState.RUNNING, "run-token")
    assert setting.runs.count_unsettled(RUN) == 3


@pytest.mark.parametrize(("waited", "chains"), [(timedelta(seconds=29), 0), (timedelta(seconds=30), 1)])
def test_a_run_that_waited_has_one_chain_of_looks(setting: Setting, waited: timedelta, chains: int) -> None:
    """That of its admission: the look that found it waiting, and comes late, is not followed by another."""
    setting.create(spec("a"))
    setting.clock.advance(waited)
    for _ in range(2):
        setting.admit.admit(RUN, "run-token")
    assert setting.deadlines.runs == setting.deadlines.admitted_runs == [(RUN, first_look(600))] * chains
    setting.watchdog.run(RUN)
    assert len(setting.deadlines.runs) == 1
    setting.watchdog.run(RUN, admitted=True)
    assert len(setting.deadlines.admitted_runs) == chains + 1


def test_a_run_that_waited_is_looked_at_until_its_admission_asks_for_looks(setting: Setting) -> None:
    setting.create(spec("a"))
    setting.clock.advance(first_look(600))
    setting.runs.begin_run(RUN, "run-token", setting.clock.now)
    setting.watchdog.run(RUN)
    assert [run for run, _ in setting.deadlines.runs] == [RUN]


def test_admission_without_a_plan_says_so(setting: Setting) -> None:
    setting.create(spec("a"))
    setting.documents.contents.clear()
    with pytest.raises(NotFound):
        setting.admit.admit(RUN, "run-token")


# place


def pools(setting: Setting, *which: Pool) -> None:
    setting.pools.pools = which


def test_the_first_listed_pool_is_taken(setting: Setting) -> None:
    pools(
        setting,
        Pool(organization="acme", name="a", provider="host"),
        Pool(organization="acme", name="b", provider="ec2", boot_deadline=300),
    )
    setting.admitted(spec("t", pools=("b", "a")))
    placement = setting.place("t")
    assert (placement.pool, placement.function, placement.boot_deadline) == ("b", "provider-ec2", 300)
    assert placement.reason == "first of b, a"
    assert (setting.state("t"), setting.treatment("t").pool) == (S.BOOTING, "b")


def test_placing_again_gives_the_same(setting: Setting) -> None:
    setting.admitted(spec("t"))
    assert setting.place("t") == setting.place("t")
    pools(setting, Pool(organization="acme", name="b", provider="ec2"))
    assert setting.place("t") == setting.place("t")


def test_every_unfit_pool_is_named_with_its_reason(setting: Setting) -> None:
    pools(
        setting,
        Pool(organization="acme", name="shut", provider="host", projects=("other",)),
        Pool(organization="acme", name="intel", provider="host"),
    )
    setting.admitted(spec("t", pools=("shut", "intel", "gone"), arch="arm64"))
    with pytest.raises(ProviderRejected) as refusal:
        setting.place("t")
    for reason in ("shut does not serve project site", "intel has no arm64", "gone does not exist"):
        assert reason in refusal.value.message


def test_no_pool_at_all_is_said(setting: Setting) -> None:
    pools(setting)
    setting.admitted(spec("t"))
    with pytest.raises(ProviderRejected, match="there is no pool"):
        setting.place("t")


def test_a_full_pool_is_followed_by_the_next_and_then_by_a_pause(setting: Setting) -> None:
    pools(
        setting,
        Pool(organization="acme", name="a", provider="ec2"),
        Pool(organization="acme", name="b", provider="ec2"),
    )
    setting.admitted(spec("t"))
    first = setting.place("t")
    second = setting.place("t", first)
    assert (second.pool, second.refusals, second.runner_id) == ("b", (PoolRefusal("a", "full"),), first.runner_id)
    with pytest.raises(NotReady, match="a: full; b: full"):
        setting.place("t", second)
    setting.clock.advance(timedelta(seconds=15))
    third = setting.place("t", second)
    assert (third.pool, third.refusals, third.rounds) == ("a", (), 1)


def test_nothing_is_placed_for_a_stopped_or_ended_run(setting: Setting) -> None:
    setting.admitted(spec("t"))
    setting.cancel()
    with pytest.raises(Cancelled, match="cancelled by alice"):
        setting.place("t")
    setting.runs.finish_run(setting.runs.get_run(RUN), RunState.CANCELLED, None, setting.clock.now)
    with pytest.raises(Cancelled):
        setting.place("t")


# begin


def test_a_running_producer_opens_its_streams(setting: Setting) -> None:
    setting.admitted(spec("a"), spec("b", stream("a")), spec("c", after=("a",)))
    setting.running("a")
    assert (setting.state("a"), setting.state("b"), setting.state("c")) == (S.RUNNING, S.READY, S.PENDING)
    assert setting.treatment("a").started_at == setting.clock.now
    assert setting.machines.answers == {}


# settle


def test_success_publishes_values_and_feeds(setting: Setting) -> None:
    setting.admitted(spec("a"), spec("b", after=("a",)))
    assert setting.done("a") == "done"
    value = setting.runs.get_value(RUN, "a", "out")
    assert (value.sha256, value.size, value.chunks, value.attempt, value.preview) == ("a" * 64, 3, 1, 1, b"abc")
    assert (setting.state("a"), setting.treatment("a").exit_code, setting.state("b")) == (S.SUCCEEDED, 0, S.READY)


def test_an_output_without_end_is_a_failure(setting: Setting) -> None:
    setting.admitted(spec("a"))
    setting.running("a")
    setting.complete("a", outputs=False)
    setting.settle("a", 1)
    assert (setting.state("a"), setting.treatment("a").cause) == (S.FAILED, "output out was never finished")
    assert setting.runs.list_values(RUN) == []


@pytest.mark.parametrize(
    ("outcome", "state"),
    [(RunnerOutcome.FAILED, S.FAILED), (RunnerOutcome.INFRASTRUCTURE, S.LOST), (RunnerOutcome.TIMED_OUT, S.TIMED_OUT)],
)
def test_the_agents_word_is_the_cause(setting: Setting, outcome: RunnerOutcome, state: TreatmentState) -> None:
    setting.admitted(spec("a"), spec("b", on("a", "failed")), spec("c", on("a", "finished")), spec("d", after=("a",)))
    setting.done("a", outcome, "in its own words")
    assert (setting.state("a"), setting.treatment("a").cause) == (state, "in its own words")
    assert [setting.state(name) for name in "bcd"] == [S.READY, S.READY, S.SKIPPED]


@pytest.mark.parametrize(
    ("error", "state"),
    [
        ("Cancelled", S.CANCELLED),
        ("TimedOut", S.TIMED_OUT),
        ("ProviderRejected", S.FAILED),
        ("CannotRun", S.FAILED),
        ("RunnerLost", S.LOST),
        ("BootTimedOut", S.LOST),
        ("States.Timeout", S.LOST),
        ("InternalError", S.LOST),
    ],
)
def test_without_a_result_the_machines_error_decides(setting: Setting, error: str, state: TreatmentState) -> None:
    setting.admitted(spec("a"))
    setting.launched("a")
    assert setting.failed_with("a", error, "because") == "done"
    assert (setting.state("a"), setting.treatment("a").cause) == (state, "because")


def test_neither_result_nor_error_is_lost(setting: Setting) -> None:
    setting.admitted(spec("a"))
    setting.launched("a")
    setting.settle("a", 1)
    assert (setting.state("a"), setting.treatment("a").cause) == (S.LOST, "the runner's result was not found")


def test_losses_and_failures_have_budgets_of_their_own(setting: Setting) -> None:
    setting.admitted(spec("a", retry=RetrySpec(infrastructure=1, failure=1)))
    ends = [setting.done("a", outcome, "why") for outcome in (RunnerOutcome.INFRASTRUCTURE, RunnerOutcome.FAILED)]
    assert ends == ["retry", "retry"]
    treatment = setting.treatment("a")
    assert (treatment.state, treatment.attempt, treatment.cause) == (S.PLACING, 3, "attempt 2: why")
    assert setting.done("a") == "done"
    assert setting.runs.get_value(RUN, "a", "out").attempt == 3


def test_a_cause_that_a_lambda_raised_is_read_from_its_json() -> None:
    raised = MachineError.caught({"Error": "Transient", "Cause": '{"errorMessage": "busy", "errorType": "Transient"}'})
    assert raised == MachineError("Transient", "busy")
    for words in ("plain words", "[1]", '{"other": 1}', ""):
        assert MachineError.caught({"Error": "X", "Cause": words}) == MachineError("X", words)
    assert MachineError.caught({"Error": "States.Timeout"}) == MachineError("States.Timeout", "")
    assert MachineError.caught(None) is None


# stop


@pytest.mark.parametrize(
    ("error", "state", "cause"),
    [
        (MachineError("States.Timeout", ""), RunState.TIMED_OUT, "the run took longer than it may"),
        (MachineError("TimedOut", "too long"), RunState.TIMED_OUT, "too long"),
        (MachineError("InternalError", ""), RunState.FAILED, "the run's machine failed: InternalError"),
    ],
)
def test_a_run_that_nobody_stopped_is_stopped_by_its_error(
    setting: Setting, error: MachineError, state: RunState, cause: str
) -> None:
    setting.admitted(spec("a"), spec("b", after=("a",)))
    setting.stop_run.stop(RUN, "stop-token", error)
    assert setting.treatment("b").cause == cause
    finished = setting.finalise.finalise(RUN)
    assert (finished.state, finished.cause) == (state, cause)


# finalise


def test_a_run_whose_treatments_succeeded_or_were_skipped_succeeded(setting: Setting) -> None:
    setting.admitted(spec("a"), spec("b", on("a", "failed")))
    setting.done("a")
    finished = setting.finalise.finalise(RUN)
    assert (finished.state, finished.cause, finished.finished_at) == (RunState.SUCCEEDED, None, setting.clock.now)


def test_the_first_failure_is_the_runs_cause(setting: Setting) -> None:
    setting.admitted(spec("z"), spec("a"), spec("c"))
    setting.done("z", RunnerOutcome.FAILED, "exit 3")
    setting.clock.advance(timedelta(seconds=1))
    setting.done("a", RunnerOutcome.FAILED, "exit 4")
    setting.done("c", RunnerOutcome.TIMED_OUT, "too long")
    assert setting.finalise.finalise(RUN).cause == "z failed: exit 3; 1 more failed; 1 more timed_out"


def test_a_run_that_ended_early_names_what_had_not(setting: Setting) -> None:
    setting.admitted(*[spec(f"t{n}") for n in range(7)])
    finished = setting.finalise.finalise(RUN)
    assert finished.state is RunState.FAILED
    assert finished.cause == "the run ended while t0, t1, t2, t3, t4 and 2 more had not"
    assert {t.state for t in setting.runs.list_treatments(RUN)} == {S.LOST}


def test_finishing_again_changes_nothing(setting: Setting) -> None:
    setting.admitted(spec("a"))
    setting.done("a")
    finished = setting.finalise.finalise(RUN)
    setting.clock.advance(timedelta(hours=1))
    assert setting.finalise.finalise(RUN) == finished
