"""Each test of this folder runs over the store in memory and over DynamoDB's."""

from collections.abc import Iterator

import pytest

from cadence.adapters.dynamodb.limits.concurrency_limits import DynamoConcurrencyLimitStore
from cadence.application.limits.concurrency_limits import ConcurrencyLimitStore
from tests.contract.runs.conftest import bound_table, table_properties
from tests.fakes.concurrency_limits import MemoryConcurrencyLimitStore

__all__ = ["table_properties"]


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ConcurrencyLimitStore]:
    if request.param == "memory":
        yield MemoryConcurrencyLimitStore()
        return
    with bound_table(request, monkeypatch) as table:
        yield DynamoConcurrencyLimitStore(table)
