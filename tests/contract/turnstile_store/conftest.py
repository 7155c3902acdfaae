"""Each test of this folder runs over the store in memory and over DynamoDB's."""

import pytest

from cadence.adapters.dynamodb.turnstiles import DynamoTurnstileStore
from cadence.application.turnstiles import TurnstileStore
from tests.fakes.turnstiles import MemoryTurnstileStore


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> TurnstileStore:
    if request.param == "memory":
        return MemoryTurnstileStore()
    table = request.getfixturevalue("bound_table")
    return DynamoTurnstileStore(table)
