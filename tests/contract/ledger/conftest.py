"""Each test of this folder runs over the store in memory and over DynamoDB's."""

from collections.abc import Iterator

import pytest

from cadence.adapters.dynamodb.ledger import DynamoLedger
from cadence.application.budgets import Ledger
from tests.contract.run_store.conftest import bound_table, table_properties
from tests.fakes.ledger import MemoryLedger

__all__ = ["table_properties"]


@pytest.fixture(params=["memory", "dynamodb"])
def ledger(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    if request.param == "memory":
        yield MemoryLedger()
        return
    with bound_table(request, monkeypatch) as table:
        yield DynamoLedger(table)
