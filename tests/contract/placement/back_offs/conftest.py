"""Each test of this folder runs over the store in memory and over DynamoDB's."""

from collections.abc import Iterator

import pytest

from cadence.adapters.dynamodb.placement.back_offs import CIRCUIT, DynamoBackOffs
from cadence.application.placement.back_offs import BackOffs
from tests.contract.runs.conftest import bound_table, table_properties
from tests.fakes.back_offs import MemoryBackOffs

__all__ = ["table_properties"]


@pytest.fixture(params=["memory", "dynamodb"])
def back_offs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[BackOffs]:
    if request.param == "memory":
        yield MemoryBackOffs()
        return
    with bound_table(request, monkeypatch) as table:
        yield DynamoBackOffs(table, CIRCUIT)
