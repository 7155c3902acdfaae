"""How a process ended is told from what there is to go by."""

from datetime import UTC, datetime, timedelta

import pytest

from cadence.domain.melodium.process import ProcessOutcome, Reported
from cadence.domain.runs.engine_outcome import EngineEvidence, outcome
from cadence.domain.runs.states import RunState

NOW = datetime(2030, 1, 1, tzinfo=UTC)
PATIENCE = timedelta(seconds=60)
OVER = EngineEvidence(over=True, logs_chunks=2, debug_chunks=2)


def ended(
    seconds_ago: float, how: ProcessOutcome = ProcessOutcome.SUCCESS, *messages: str, reporting: bool = True
) -> Reported:
    at = NOW - timedelta(seconds=seconds_ago)
    return Reported(
        reporting_at=at if reporting else None, ended_at=at, ended=how, messages=messages, logs_chunks=2, debug_chunks=2
    )


NOTHING = EngineEvidence()


def decided(said: Reported, seen: EngineEvidence = NOTHING) -> tuple[RunState, str | None] | None:
    found = outcome(said, seen, NOW, PATIENCE)
    return (found.state, found.cause) if found else None


def test_an_engine_that_says_nothing_goes_on() -> None:
    assert decided(Reported()) is None
    assert decided(Reported(reporting_at=NOW, launched_at=NOW), OVER) is None


def test_a_launch_that_failed_is_the_end() -> None:
    assert decided(Reported(launched_at=NOW, launch_errors=("Distribution refused",))) == (
        RunState.FAILED,
        "the engine did not launch: Distribution refused",
    )


def test_what_comes_after_the_end_is_waited_for() -> None:
    few = EngineEvidence(over=True, logs_chunks=1, debug_chunks=2)
    assert decided(ended(10), few) is None
    assert decided(ended(10), OVER) == (RunState.SUCCEEDED, None)
    assert decided(ended(1), OVER) is None  # the last chunk may not be counted yet
    assert decided(ended(61), few) == (RunState.SUCCEEDED, None)


@pytest.mark.parametrize(
    ("seen", "cause"),
    [
        (
            EngineEvidence(errors=1, first_error="build: Commands failed"),
            "one line at level error: build: Commands failed",
        ),
        (EngineEvidence(errors=3, first_error="a: b"), "3 lines at level error: a: b"),
        (EngineEvidence(failed_steps=("main/build",), errors=1, first_error="a: b"), "main/build failed: a: b"),
    ],
)
def test_success_is_not_taken_at_its_word(seen: EngineEvidence, cause: str) -> None:
    assert decided(ended(90), seen) == (RunState.FAILED, cause)


def test_whoever_started_it_may_know_that_it_failed() -> None:
    assert decided(ended(0, ProcessOutcome.FAILURE, "Compose exit code 1")) == (RunState.FAILED, "Compose exit code 1")


def test_a_timeout_of_whoever_started_it_says_nothing_about_it() -> None:
    said = ended(1_000, ProcessOutcome.SUCCESS, "Compose exit timeout: 10 s")
    assert decided(said) is None
    assert decided(said, OVER) == (RunState.SUCCEEDED, None)
    found = decided(ended(1, ProcessOutcome.SUCCESS, "Compose exit timeout: 10 s", reporting=False))
    assert found is not None and "stopped waiting" in str(found[1])
