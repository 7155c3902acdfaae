"""Each project's index state and retention: one partition of the table `logs`."""

from typing import ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute

from cadence.adapters.dynamodb.shared.logs_table import LogsTable


class StateItem(LogsTable):
    class Meta:
        table_name: ClassVar[str] = "logs"

    PARTITION: ClassVar[str] = "INDEXES"

    version = NumberAttribute()
    due_at = UTCDateTimeAttribute(null=True)
    retention_days = NumberAttribute(null=True)
    # See `old_runs`: the runs of which nothing is left.
    removed_through = UnicodeAttribute(null=True)

    @classmethod
    def item_key(cls, organization: str, project: str) -> tuple[str, str]:
        return cls.PARTITION, f"{organization}#{project}"
