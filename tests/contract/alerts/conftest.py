"""Each test of this folder runs over the stores in memory and over DynamoDB's."""

from dataclasses import dataclass

import pytest

from cadence.adapters.dynamodb.alerts.alert_outbox import DynamoOutbox
from cadence.adapters.dynamodb.alerts.alert_store import DynamoAlertStore, DynamoHistoryStore
from cadence.application.alerts.memory import MemoryAlertStore, MemoryHistoryStore
from cadence.application.alerts.ports import AlertStore, HistoryStore
from tests.fakes.alerts import MemoryOutbox


@dataclass(frozen=True)
class Stores:
    alerts: AlertStore
    history: HistoryStore
    outbox: MemoryOutbox | DynamoOutbox


@pytest.fixture(params=["memory", "dynamodb"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "memory":
        return Stores(MemoryAlertStore(), MemoryHistoryStore(), MemoryOutbox())
    table = request.getfixturevalue("bound_table")
    return Stores(DynamoAlertStore(table), DynamoHistoryStore(table), DynamoOutbox(table))
