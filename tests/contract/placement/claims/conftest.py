"""Each test of this folder runs over the store in memory and over DynamoDB's."""

import pytest

from cadence.adapters.dynamodb.placement.claims import DynamoClaims
from cadence.application.placement.ports import Claims
from tests.fakes.claims import MemoryClaims


@pytest.fixture(params=["memory", "dynamodb"])
def claims(request: pytest.FixtureRequest) -> Claims:
    if request.param == "memory":
        return MemoryClaims()
    table = request.getfixturevalue("bound_table")
    return DynamoClaims(table)
