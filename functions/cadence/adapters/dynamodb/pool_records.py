"""What is kept of pools in the `runners` table, beside hosts and offers."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar

from pynamodb.attributes import UTCDateTimeAttribute

from cadence.adapters.dynamodb.binding import bind
from cadence.adapters.dynamodb.faults import translated
from cadence.adapters.dynamodb.runner_items import RunnersTable, pool_partition

_MARK_KEPT = timedelta(days=7)


class MarkItem(RunnersTable):
    PREFIX: ClassVar[str] = "MARK#"

    marked_at = UTCDateTimeAttribute()

    @classmethod
    def key(cls, organization: str, pool: str, ref: str) -> tuple[str, str]:
        return pool_partition(organization, pool), cls.PREFIX + ref


class DynamoPoolRecords:
    """Implements Marks."""

    def __init__(self, table_name: str) -> None:
        bind(MarkItem, table_name)

    def marks(self, organization: str, pool: str) -> Mapping[str, datetime]:
        with translated(f"marks of pool {pool}"):
            items = MarkItem.query(
                pool_partition(organization, pool), MarkItem.sk.startswith(MarkItem.PREFIX), consistent_read=True
            )
            return {item.sk.removeprefix(MarkItem.PREFIX): item.marked_at for item in items}

    def mark(self, organization: str, pool: str, ref: str, at: datetime) -> None:
        with translated(f"mark of {ref}"):
            MarkItem(*MarkItem.key(organization, pool, ref), marked_at=at, expires_at=at + _MARK_KEPT).save()

    def unmark(self, organization: str, pool: str, ref: str) -> None:
        with translated(f"mark of {ref}"):
            MarkItem(*MarkItem.key(organization, pool, ref)).delete()
