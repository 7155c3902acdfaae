"""Items that are used once."""

from typing import TypeVar

from cadence.adapters.dynamodb.shared.faults import translated
from cadence.adapters.dynamodb.shared.stored_item import StoredItem
from cadence.domain.shared.errors import Conflict, NotFound

StoredT = TypeVar("StoredT", bound=StoredItem)


def take_item(model: type[StoredT], partition: str, sort_key: str, what: str) -> StoredT:
    """Removes an item and returns it, also if it has expired. Raises NotFound; of two callers one gets it."""
    try:
        with translated(what):
            item = model.get(partition, sort_key, consistent_read=True)
            item.delete(model.pk.exists())
    except (model.DoesNotExist, Conflict):
        raise NotFound(f"There is no such {what}.") from None
    return item
