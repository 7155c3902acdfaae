"""Each test of this folder runs over the store in memory and over DynamoDB's."""

import pytest

from cadence.adapters.dynamodb.placement.rate_limits import DynamoRateLimits
from cadence.application.placement.pacing import RateLimits
from tests.fakes.rate_limits import MemoryRateLimits


@pytest.fixture(params=["memory", "dynamodb"])
def rate_limits(request: pytest.FixtureRequest) -> RateLimits:
    if request.param == "memory":
        return MemoryRateLimits()
    table = request.getfixturevalue("bound_table")
    return DynamoRateLimits(table)
