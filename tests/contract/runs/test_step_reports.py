"""Reports of steps, in memory and in DynamoDB."""

from datetime import UTC, datetime

import pytest

from cadence.adapters.dynamodb.runs.step_reports import DynamoStepReports
from cadence.application.runs.ports import StepReportStore
from cadence.domain.runs.step_progress import StepProgress, StepReport
from tests.fakes.runners import MemoryStepReports

AT = datetime(2026, 11, 30, 12, 0, 0, 250_000, UTC)


@pytest.fixture(params=["memory", "dynamodb"])
def reports(request: pytest.FixtureRequest) -> StepReportStore:
    if request.param == "memory":
        return MemoryStepReports()
    return DynamoStepReports(request.getfixturevalue("bound_table"))


def report(attempt: int, revision: int, *states: str, run_id: str = "01a") -> StepReport:
    steps = tuple(
        StepProgress(state=state, started_at=AT, finished_at=AT, exit_code=3)
        if state == "failed"
        else StepProgress(state=state)
        for state in states
    )
    return StepReport(run_id=run_id, treatment="test", attempt=attempt, revision=revision, steps=steps)


def test_a_report_is_returned_as_it_was(reports: StepReportStore) -> None:
    made = report(1, 4, "succeeded", "failed", "skipped")
    reports.put_steps(made)
    reports.put_steps(report(1, 9, "running", run_id="01b"))

    assert reports.get_steps("01a", "test") == made
    assert reports.get_steps("01a", "build") is None
    assert reports.get_steps("01c", "test") is None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (report(1, 3, "running"), report(1, 4, "failed")),
        (report(1, 9, "failed"), report(2, 1, "pending")),
    ],
    ids=["revisions", "attempts"],
)
def test_the_newest_report_stays_whatever_the_order(
    reports: StepReportStore, first: StepReport, second: StepReport
) -> None:
    for one in (second, first, second):
        reports.put_steps(one)

    assert reports.get_steps("01a", "test") == second


def test_each_attempt_keeps_its_own_report(reports: StepReportStore) -> None:
    first, second, tenth = (report(1, 3, "failed"), report(2, 1, "pending"), report(10, 1, "running"))
    for one in (tenth, first, second):
        reports.put_steps(one)

    assert [reports.get_steps("01a", "test", attempt) for attempt in (1, 2, 10)] == [first, second, tenth]
    assert reports.get_steps("01a", "test", 3) is None
    assert reports.get_steps("01a", "test") == tenth
