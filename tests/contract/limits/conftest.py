"""Each test of this folder runs over the store in memory and over DynamoDB's."""

import pytest

from cadence.adapters.dynamodb.limits.concurrency_limits import DynamoConcurrencyLimitStore
from cadence.application.limits.concurrency_limits import ConcurrencyLimitStore
from tests.fakes.concurrency_limits import MemoryConcurrencyLimitStore


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> ConcurrencyLimitStore:
    if request.param == "memory":
        return MemoryConcurrencyLimitStore()
    table = request.getfixturevalue("bound_table")
    return DynamoConcurrencyLimitStore(table)
