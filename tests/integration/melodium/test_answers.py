"""The order in which an engine is told the addresses of its workers, in memory and in DynamoDB."""

from datetime import UTC, datetime, timedelta

import pytest

from cadence.application.runs.ports import ReportedStore
from tests.fakes.melodium import MemoryReported
from tests.integration.melodium.conftest import Engines

RUN, FIRST, SECOND = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "123")
NOW, SPACING = datetime(2026, 11, 27, 10, tzinfo=UTC), timedelta(milliseconds=250)


@pytest.fixture(params=["memory", "dynamodb"])
def reported(request: pytest.FixtureRequest, engines: Engines) -> ReportedStore:
    return MemoryReported() if request.param == "memory" else engines.reported


def test_addresses_are_told_one_after_the_other(reported: ReportedStore) -> None:
    assert reported.answered(RUN) == []
    assert reported.note_answer(RUN, FIRST, NOW, SPACING)
    assert not reported.note_answer(RUN, SECOND, NOW + SPACING / 2, SPACING)
    assert reported.note_answer(RUN, FIRST, NOW + SPACING / 2, SPACING)  # asked for again
    assert reported.answered(RUN) == [FIRST]
    assert reported.note_answer(RUN, SECOND, NOW + 2 * SPACING, SPACING)
    assert reported.note_answer(RUN, FIRST, NOW + 9 * SPACING, SPACING)
    assert reported.answered(RUN) == [FIRST, SECOND]
