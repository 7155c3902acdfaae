"""`StorageLedger` on the `runners` table: an item for each project and day, and one for the project's own limit."""

from datetime import UTC, datetime, timedelta
from typing import ClassVar

from pynamodb.attributes import NumberAttribute

from cadence.adapters.dynamodb.runners.runner_items import RunnersTable
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.shared.storage import StorageLedger
from cadence.domain.values.storage import StorageUse

# S3 removes objects at the midnight after the days of its rule are over.
_LATER = timedelta(days=2)


class StorageItem(RunnersTable):
    class Meta:
        table_name: ClassVar[str] = "runners"

    PREFIX: ClassVar[str] = "DAY#"
    LIMIT: ClassVar[str] = "LIMIT"

    size = NumberAttribute()

    @classmethod
    def partition(cls, organization: str, project: str) -> str:
        return f"STORAGE#{organization}#{project}"


class DynamoStorageLedger(StorageLedger):
    """`retention` is how long the bucket keeps values: a day's item expires with them."""

    def __init__(self, table_name: str, retention: timedelta) -> None:
        bind(StorageItem, table_name)
        self._kept = retention + _LATER

    def read(self, organization: str, project: str) -> StorageUse:
        now, days, limit = datetime.now(UTC), {}, None
        with translated(f"the storage of {project}"):
            for item in StorageItem.query(StorageItem.partition(organization, project), consistent_read=True):
                if item.sk == StorageItem.LIMIT:
                    limit = int(item.size)
                elif item.expires_at is None or item.expires_at > now:
                    days[item.sk.removeprefix(StorageItem.PREFIX)] = int(item.size)
        return StorageUse(days, limit)

    def add(self, organization: str, project: str, day: str, size: int) -> int:
        item = StorageItem(StorageItem.partition(organization, project), StorageItem.PREFIX + day)
        ends = datetime.fromisoformat(day).replace(tzinfo=UTC) + self._kept
        with translated(f"the storage of {project}"):
            item.update([StorageItem.size.add(size), StorageItem.expires_at.set(ends)])
        return int(item.size)

    def put_limit(self, organization: str, project: str, limit: int | None) -> None:
        item = StorageItem(StorageItem.partition(organization, project), StorageItem.LIMIT)
        with translated(f"the storage of {project}"):
            if limit is None:
                item.delete()
            else:
                item.update([StorageItem.size.set(limit)])
