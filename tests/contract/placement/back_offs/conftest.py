"""Each test of this folder runs over the store in memory and over DynamoDB's."""

import pytest

from cadence.adapters.dynamodb.placement.back_offs import CIRCUIT, DynamoBackOffs
from cadence.application.placement.back_offs import BackOffs
from tests.fakes.back_offs import MemoryBackOffs


@pytest.fixture(params=["memory", "dynamodb"])
def back_offs(request: pytest.FixtureRequest) -> BackOffs:
    if request.param == "memory":
        return MemoryBackOffs()
    table = request.getfixturevalue("bound_table")
    return DynamoBackOffs(table, CIRCUIT)
