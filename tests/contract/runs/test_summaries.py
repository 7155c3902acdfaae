"""Summaries of jobs, in memory and in DynamoDB."""

import pytest

from cadence.adapters.dynamodb.runs.summaries import DynamoSummaries
from cadence.application.runs.ports import SummaryStore
from cadence.domain.runs.job_summary import JobSummary
from tests.fakes.runners import MemorySummaries


@pytest.fixture(params=["memory", "dynamodb"])
def summaries(request: pytest.FixtureRequest) -> SummaryStore:
    if request.param == "memory":
        return MemorySummaries()
    return DynamoSummaries(request.getfixturevalue("bound_table"))


def test_they_are_listed_by_treatment(summaries: SummaryStore) -> None:
    test, build = JobSummary("01a", "test", 1, "# Tests"), JobSummary("01a", "build", 1, "x" * 30_000)
    for summary in (test, build, JobSummary("01b", "test", 1, "of another run")):
        summaries.put_summary(summary)

    assert summaries.list_summaries("01a") == [build, test]
    assert summaries.list_summaries("01c") == []


def test_the_last_attempt_counts_whatever_the_order(summaries: SummaryStore) -> None:
    first, second = JobSummary("01a", "test", 1, "first"), JobSummary("01a", "test", 2, "second")
    for summary in (second, first, second):
        summaries.put_summary(summary)

    assert summaries.list_summaries("01a") == [second]
