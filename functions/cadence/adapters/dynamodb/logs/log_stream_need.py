"""`NeedNote`: one item of the access table."""

from datetime import datetime

from pynamodb.attributes import UTCDateTimeAttribute

from cadence.adapters.dynamodb.access.access_items import AccessTable
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated

_KEY = "LOGSTREAM"


class NeedItem(AccessTable):
    """When the log stream was last needed."""

    last_needed_at = UTCDateTimeAttribute()


class DynamoStreamUsage:
    def __init__(self, table_name: str) -> None:
        bind(NeedItem, table_name)

    def last_needed_at(self) -> datetime | None:
        with translated("the log stream's note"):
            try:
                return NeedItem.get(_KEY, _KEY, consistent_read=True).last_needed_at
            except NeedItem.DoesNotExist:
                return None

    def note(self, at: datetime) -> None:
        with translated("the log stream's note"):
            NeedItem(_KEY, _KEY, last_needed_at=at).save()
