"""What all items of all tables share.

Each table has a base of its own that names it, each kind of item is a subclass of that.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from pynamodb.attributes import Attribute, JSONAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.constants import NUMBER, STRING
from pynamodb.models import Model

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class StoredItem(Model):
    """An item; its keys are in docs/architecture/storage.md. One with `expires_at` is removed some time after it."""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    expires_at = TTLAttribute(null=True)


def microseconds(at: datetime) -> int:
    """Returns the microseconds since 1970 of a time."""
    return (at - _EPOCH) // _MICROSECOND


def moment(since_1970: int) -> datetime:
    """Returns the time that is so many microseconds after the beginning of 1970."""
    return _EPOCH + since_1970 * _MICROSECOND


class MomentAttribute(Attribute[datetime]):
    """A time as microseconds since 1970: less than a third of the size of its text, for items written often."""

    attr_type = NUMBER

    def serialize(self, value: datetime) -> str:
        return str(microseconds(value))

    def get_value(self, value: dict[str, Any]) -> Any:
        # Items of before have texts.
        return value[STRING] if STRING in value else super().get_value(value)

    def deserialize(self, value: Any) -> datetime:
        return datetime.fromisoformat(value) if "T" in value else moment(int(value))


class CompactJsonAttribute(JSONAttribute):
    """JSON without spaces."""

    def serialize(self, value: Any) -> str:
        return json.dumps(value, separators=(",", ":"))
