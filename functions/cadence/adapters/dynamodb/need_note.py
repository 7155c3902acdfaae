"""`NeedNote`: one item of the access table."""

from datetime import datetime
from typing import ClassVar

from pynamodb.attributes import UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.models import Model

from cadence.adapters.dynamodb.binding import bind
from cadence.adapters.dynamodb.faults import translated

_KEY = "LOGSTREAM"


class NeedItem(Model):
    """When the log stream was last needed."""

    class Meta:
        table_name: ClassVar[str] = "access"

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    last_needed_at = UTCDateTimeAttribute()


class DynamoNeedNote:
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
