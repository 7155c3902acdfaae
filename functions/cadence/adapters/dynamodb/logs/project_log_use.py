"""`ProjectLogUse` on the `logs` table: one small item for each project and day."""

from datetime import UTC, datetime, timedelta
from typing import ClassVar

from pynamodb.attributes import NumberAttribute

from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.adapters.dynamodb.shared.logs_table import LogsTable
from cadence.application.logs.ports import ProjectLogUse

_KEPT = timedelta(days=3)


class LogUseItem(LogsTable):
    class Meta:
        table_name: ClassVar[str] = "logs"

    bytes_kept = NumberAttribute()


class DynamoProjectLogUse(ProjectLogUse):
    def __init__(self, table_name: str) -> None:
        bind(LogUseItem, table_name)

    def add(self, organization: str, project: str, day: str, size: int) -> int:
        item = LogUseItem(f"LOGGED#{organization}#{project}", day)
        with translated(f"the log use of {project}"):
            item.update([LogUseItem.bytes_kept.add(size), LogUseItem.expires_at.set(datetime.now(UTC) + _KEPT)])
        return int(item.bytes_kept)
