"""The progress of steps as it is shown, with and without a report of the agent."""

import pytest

from cadence.domain.pipelines.step_spec import StepSpec
from cadence.domain.runs.states import TreatmentState
from cadence.domain.runs.step_progress import StepProgress, StepReport, progress_of

STEPS = (
    StepSpec(name="build", run="make", shell="sh -e"),
    StepSpec(name="on main", run="true", shell="sh -e", skip=True),
    StepSpec(name="test", run="make test", shell="sh -e"),
)


def report(attempt: int, *states: str) -> StepReport:
    steps = tuple(StepProgress(state=state) for state in states)
    return StepReport(run_id="01a", treatment="t", attempt=attempt, revision=1, steps=steps)


@pytest.mark.parametrize(
    ("state", "reported", "shown"),
    [
        (TreatmentState.PENDING, None, ["pending", "skipped", "pending"]),
        (TreatmentState.RUNNING, report(2, "running", "skipped", "pending"), ["running", "skipped", "pending"]),
        (TreatmentState.RUNNING, report(1, "failed", "skipped", "skipped"), ["pending", "skipped", "pending"]),
        (TreatmentState.RUNNING, report(2, "running"), ["pending", "skipped", "pending"]),
        (TreatmentState.LOST, report(2, "running", "skipped", "pending"), ["lost", "skipped", "skipped"]),
        (TreatmentState.TIMED_OUT, report(2, "timed_out", "skipped", "skipped"), ["timed_out", "skipped", "skipped"]),
        (TreatmentState.SUCCEEDED, report(2, "succeeded", "skipped", "failed"), ["succeeded", "skipped", "failed"]),
        (TreatmentState.SKIPPED, None, ["skipped"] * 3),
    ],
    ids=["not-begun", "running", "of-an-earlier-attempt", "of-other-steps", "lost", "timed-out", "ended", "skipped"],
)
def test_steps_end_with_their_treatment(state: TreatmentState, reported: StepReport | None, shown: list[str]) -> None:
    assert [step.state for step in progress_of(STEPS, state, 2, reported)] == shown
