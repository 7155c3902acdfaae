"""Each test of this folder runs over the store in memory and over DynamoDB's."""

import pytest

from cadence.adapters.dynamodb.paces import DynamoPaces
from cadence.application.pacing import Paces
from tests.fakes.paces import MemoryPaces


@pytest.fixture(params=["memory", "dynamodb"])
def paces(request: pytest.FixtureRequest) -> Paces:
    if request.param == "memory":
        return MemoryPaces()
    table = request.getfixturevalue("bound_table")
    return DynamoPaces(table)
