"""Each test of this folder runs over the store in memory and over DynamoDB's."""

import pytest

from cadence.adapters.dynamodb.runs.run_store import DynamoRunStore
from tests.fakes.run_stores import RunRecords
from tests.fakes.runs import MemoryRunStore


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> RunRecords:
    if request.param == "memory":
        return MemoryRunStore()
    table = request.getfixturevalue("bound_table")
    return DynamoRunStore(table)
