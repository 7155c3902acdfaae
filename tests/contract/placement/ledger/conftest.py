"""Each test of this folder runs over the store in memory and over DynamoDB's."""

import pytest

from cadence.adapters.dynamodb.placement.ledger import DynamoLedger
from cadence.adapters.dynamodb.placement.pool_records import DynamoPoolRecords
from cadence.application.placement.budgets import Ledger
from cadence.application.placement.ports import PoolRecords
from tests.fakes.ledger import MemoryLedger

Kept = tuple[Ledger, PoolRecords]


@pytest.fixture(params=["memory", "dynamodb"])
def kept(request: pytest.FixtureRequest) -> Kept:
    """A ledger, and the records of the same pools."""
    if request.param == "memory":
        memory = MemoryLedger()
        return memory, memory.records
    table = request.getfixturevalue("bound_table")
    return DynamoLedger(table), DynamoPoolRecords(table)


@pytest.fixture
def ledger(kept: Kept) -> Ledger:
    return kept[0]
