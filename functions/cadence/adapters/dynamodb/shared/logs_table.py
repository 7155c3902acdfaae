"""What all items of the table `logs` share. Several rooms have items in it."""

from typing import ClassVar

from cadence.adapters.dynamodb.shared.stored_item import StoredItem


class LogsTable(StoredItem):
    class Meta:
        table_name: ClassVar[str] = "logs"


def live_partition(organization: str) -> str:
    """Returns the key under which an organization's WebSocket clients are."""
    return f"LIVE#{organization}"
