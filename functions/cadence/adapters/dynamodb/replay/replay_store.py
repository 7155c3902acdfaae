"""`ReplayStore` on the `runs` table."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from pynamodb.attributes import UnicodeAttribute

from cadence.adapters.dynamodb.runs.run_items import RunsTable, partition
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.domain.runs.run import ReplayOf
from cadence.domain.shared.retention import KEPT


class ReplayItem(RunsTable):
    class Meta:
        table_name: ClassVar[str] = "runs"

    replay = UnicodeAttribute()

    @staticmethod
    def prefix(treatment: str) -> str:
        return f"REPLAY#{treatment}#"


class DynamoReplayStore:
    def __init__(self, table_name: str) -> None:
        bind(ReplayItem, table_name)

    def note(self, original: ReplayOf, run_id: str, at: datetime) -> None:
        key = partition(original.run_id), ReplayItem.prefix(original.treatment) + run_id
        with translated(f"replay {run_id}"):
            ReplayItem(*key, replay=run_id, expires_at=at + KEPT).save()

    def newest(self, original: ReplayOf, limit: int) -> Sequence[str]:
        prefix = ReplayItem.prefix(original.treatment)
        with translated(f"the replays of {original.treatment}"):
            items = ReplayItem.query(
                partition(original.run_id), ReplayItem.sk.startswith(prefix), scan_index_forward=False, limit=limit
            )
            return [item.replay for item in items]
