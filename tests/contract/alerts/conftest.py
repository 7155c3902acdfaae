"""Each test of this folder runs over the stores in memory and over DynamoDB's."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from cadence.adapters.dynamodb.alerts.alert_outbox import DynamoOutbox
from cadence.adapters.dynamodb.alerts.alert_store import DynamoAlertStore, DynamoHistoryStore
from cadence.application.alerts.memory import MemoryAlertStore, MemoryHistoryStore
from cadence.application.alerts.ports import AlertStore, HistoryStore
from tests.contract.runs.conftest import bound_table, table_properties
from tests.fakes.alerts import MemoryOutbox

__all__ = ["table_properties"]


@dataclass(frozen=True)
class Stores:
    alerts: AlertStore
    history: HistoryStore
    outbox: MemoryOutbox | DynamoOutbox


@pytest.fixture(params=["memory", "dynamodb"])
def stores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stores]:
    if request.param == "memory":
        yield Stores(MemoryAlertStore(), MemoryHistoryStore(), MemoryOutbox())
        return
    with bound_table(request, monkeypatch) as table:
        yield Stores(DynamoAlertStore(table), DynamoHistoryStore(table), DynamoOutbox(table))
