"""How an end is explained, and where an attempt's time went."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cadence.domain.insight.exit_explanation import ExitExplanation, ending, explanations
from cadence.domain.pipelines.specification import RetrySpec, TreatmentSpec
from cadence.domain.runners.attempts import in_attempt
from cadence.domain.runners.runner import Runner, RunnerOutcome, RunnerResult, RunnerState
from cadence.domain.runners.timing import Times, times
from cadence.domain.runs.history import StateChange
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import TreatmentState
from cadence.domain.shared.errors import NotFound

NOW = datetime(2030, 1, 1, tzinfo=UTC)
S = TreatmentState


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def ended(state: TreatmentState, code: int | None = None, **fields: Any) -> Treatment:
    return dataclasses.replace(Treatment(run_id="r", name="t", state=state, waiting=0, exit_code=code), **fields)


def runner(result: RunnerResult | None = None, **fields: Any) -> Runner:
    made = Runner(
        runner_id="r-t-1",
        run_id="r",
        treatment="t",
        attempt=1,
        organization="o",
        project="p",
        pool="pool",
        provider="host",
        state=RunnerState.COMPLETED,
        created_at=NOW,
        result=result,
    )
    return dataclasses.replace(made, **fields)


def failed(code: int | None, signal: int | None = None, **usage: float) -> RunnerResult:
    return RunnerResult(outcome=RunnerOutcome.FAILED, exit_code=code, signal=signal, usage=usage)


@pytest.mark.parametrize(
    ("code", "signal", "expected"),
    [
        (3, None, ExitExplanation(3, None)),
        (137, None, ExitExplanation(137, "SIGKILL")),
        (None, 11, ExitExplanation(None, "SIGSEGV")),
        (200, None, ExitExplanation(200, None)),
    ],
)
def test_an_end_is_a_code_or_a_signal(code: int | None, signal: int | None, expected: ExitExplanation) -> None:
    assert ending(ended(S.FAILED, code), failed(code, signal)) == expected


@pytest.mark.parametrize(
    ("code", "signal", "words"),
    [(127, None, "no such command"), (126, None, "may not execute"), (None, 11, "SIGSEGV"), (141, None, "SIGPIPE")],
)
def test_well_known_ends_are_explained(code: int | None, signal: int | None, words: str) -> None:
    (said,) = explanations(ended(S.FAILED, code), TreatmentSpec(name="t"), runner(failed(code, signal)))
    assert words in said


def test_what_ran_out_of_memory_is_told_from_what_was_killed() -> None:
    spec = TreatmentSpec(name="t", memory=512)
    killed = ended(S.FAILED, 137)
    (out,) = explanations(killed, spec, runner(failed(137, memory_peak=500_000_000)))
    assert "500 MB" in out
    assert "512 MB" in out
    (other,) = explanations(killed, spec, runner(failed(137, memory_peak=10_000_000)))
    assert "from outside" in other
    (whole,) = explanations(
        killed, TreatmentSpec(name="t"), runner(failed(137, memory_peak=2e9), facts={"memory": 2100})
    )
    assert "the machine has" in whole


def test_lost_and_late_ones_are_explained_and_others_are_not() -> None:
    (lost,) = explanations(
        ended(S.LOST, infrastructure_failures=1), TreatmentSpec(name="t", retry=RetrySpec(infrastructure=1)), None
    )
    assert "2 times" in lost
    (late,) = explanations(ended(S.TIMED_OUT), TreatmentSpec(name="t", max_duration=7), None)
    assert "7 s" in late
    for state in (S.SUCCEEDED, S.SKIPPED, S.CANCELLED):
        assert explanations(ended(state), TreatmentSpec(name="t"), None) == ()
    assert explanations(ended(S.FAILED, 1), TreatmentSpec(name="t"), None) == ()


def test_each_attempt_has_times_of_its_own() -> None:
    history = (
        StateChange(at(0), 1, S.PENDING),
        StateChange(at(2), 1, S.READY),
        StateChange(at(3), 1, S.BOOTING),
        StateChange(at(7), 1, S.RUNNING),
        StateChange(at(17), 1, S.LOST),
        StateChange(at(17), 2, S.PLACING),
        StateChange(at(18), 2, S.BOOTING),
    )
    treatment = ended(S.BOOTING, attempt=2, history=history)
    assert times(treatment, 1, runner(booting_at=at(4)), at(30)) == Times(2, 2, 3, 10)
    assert times(treatment, 2, runner(booting_at=None), at(30)) == Times(None, 13, None, None)
    assert times(treatment, 2, runner(booting_at=at(20)), at(30)) == Times(None, 3, 10, None)


def test_an_interrupted_attempt_has_ended() -> None:
    history = (
        StateChange(at(2), 1, S.PLACING),
        StateChange(at(3), 1, S.RUNNING),
        StateChange(at(8), 1, S.INTERRUPTED, "its machine is taken away"),
        StateChange(at(8), 2, S.PLACING),
    )
    assert times(ended(S.PLACING, attempt=2, history=history), 1, None, at(30)) == Times(None, 1, None, 5)


def test_an_earlier_attempt_is_as_it_was_at_its_end() -> None:
    history = (
        StateChange(at(0), 1, S.PENDING),
        StateChange(at(2), 1, S.READY),
        StateChange(at(7), 1, S.RUNNING),
        StateChange(at(17), 1, S.FAILED, "ended with exit code 3"),
        StateChange(at(17), 2, S.PLACING),
    )
    latest = ended(S.SUCCEEDED, 0, attempt=2, history=history, placement="{}", waiting_for="a slot", cause="x")
    earlier = in_attempt(latest, 1, runner(failed(3)))

    assert (earlier.state, earlier.cause, earlier.exit_code) == (S.FAILED, "ended with exit code 3", 3)
    assert (earlier.ready_at, earlier.started_at, earlier.finished_at) == (at(2), at(7), at(17))
    assert (earlier.placement, earlier.waiting_for, earlier.pool) == (None, None, "pool")
    assert earlier.history == history
    assert in_attempt(latest, 2, None) is latest
    with pytest.raises(NotFound, match="has no attempt 3: it has had 2 attempts"):
        in_attempt(latest, 3, None)


def test_what_has_not_begun_waits_and_a_group_has_no_runner() -> None:
    pending = ended(S.PENDING, history=(StateChange(at(0), 1, S.PENDING),))
    assert times(pending, 1, None, at(5)) == Times(waited=5)
    skipped = ended(S.SKIPPED, history=(StateChange(at(0), 1, S.PENDING), StateChange(at(4), 1, S.SKIPPED)))
    assert times(skipped, 1, None, at(9)) == Times(waited=4)
