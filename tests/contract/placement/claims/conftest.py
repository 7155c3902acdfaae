"""Each test of this folder runs over the store in memory and over DynamoDB's."""

from collections.abc import Iterator

import pytest

from cadence.adapters.dynamodb.placement.claims import DynamoClaims
from cadence.application.placement.ports import Claims
from tests.contract.runs.conftest import bound_table, table_properties
from tests.fakes.claims import MemoryClaims

__all__ = ["table_properties"]


@pytest.fixture(params=["memory", "dynamodb"])
def claims(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Claims]:
    if request.param == "memory":
        yield MemoryClaims()
        return
    with bound_table(request, monkeypatch) as table:
        yield DynamoClaims(table)
