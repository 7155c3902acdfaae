"""Each test of this folder runs over the store in memory and over DynamoDB's."""

from collections.abc import Iterator

import pytest

from cadence.adapters.dynamodb.placement.rate_limits import DynamoRateLimits
from cadence.application.placement.pacing import RateLimits
from tests.contract.runs.conftest import bound_table, table_properties
from tests.fakes.rate_limits import MemoryRateLimits

__all__ = ["table_properties"]


@pytest.fixture(params=["memory", "dynamodb"])
def rate_limits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[RateLimits]:
    if request.param == "memory":
        yield MemoryRateLimits()
        return
    with bound_table(request, monkeypatch) as table:
        yield DynamoRateLimits(table)
