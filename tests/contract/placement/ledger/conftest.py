"""Each test of this folder runs over the store in memory and over DynamoDB's."""

from collections.abc import Iterator

import pytest

from cadence.adapters.dynamodb.placement.ledger import DynamoLedger
from cadence.adapters.dynamodb.placement.pool_records import DynamoPoolRecords
from cadence.application.placement.budgets import Ledger
from cadence.application.placement.ports import PoolRecords
from tests.contract.runs.conftest import bound_table, table_properties
from tests.fakes.ledger import MemoryLedger

__all__ = ["table_properties"]


Kept = tuple[Ledger, PoolRecords]


@pytest.fixture(params=["memory", "dynamodb"])
def kept(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    """A ledger, and the records of the same pools."""
    if request.param == "memory":
        memory = MemoryLedger()
        yield memory, memory.records
        return
    with bound_table(request, monkeypatch) as table:
        yield DynamoLedger(table), DynamoPoolRecords(table)


@pytest.fixture
def ledger(kept: Kept) -> Ledger:
    return kept[0]
