"""`OldRuns` on the tables `logs` (which projects keep less) and `runs`."""

from collections.abc import Sequence, Set
from datetime import timedelta

from cadence.adapters.dynamodb.runs.edge_items import ValueItem
from cadence.adapters.dynamodb.runs.run_items import RunItem, partition, scope
from cadence.adapters.dynamodb.search.index_states import StateItem
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.adapters.dynamodb.values.value_retention import DynamoValueRetentionStore
from cadence.application.values.remove_old_runs import OldRuns, ShortLived
from cadence.domain.runs.run import Run


class DynamoOldRuns(OldRuns):
    def __init__(self, logs_table: str, runs_table: str) -> None:
        bind(StateItem, logs_table)
        for model in (RunItem, ValueItem):
            bind(model, runs_table)
        self._retentions = DynamoValueRetentionStore(runs_table)

    def short_lived(self) -> Sequence[ShortLived]:
        with translated("retentions"):
            items = list(StateItem.query(StateItem.PARTITION, filter_condition=StateItem.retention_days.exists()))
        named = [(*item.sk.partition("#")[::2], item) for item in items]
        return [
            ShortLived(organization, project, timedelta(days=int(item.retention_days or 0)), item.removed_through)
            for organization, project, item in named
        ]

    def older(self, project: ShortLived, after: str | None, before: str, limit: int) -> Sequence[Run]:
        # `!` sorts before all that ids are made of, so the range begins behind `after`.
        ids = RunItem.run_id.between(f"{after or '0'}!", before)
        with translated("the list of runs"):
            items = RunItem.listing.query(scope(project.organization, project.project), ids, limit=limit)
            return [item.run() for item in items]

    def buckets(self, run_id: str) -> Set[str]:
        return {attempt.retention.bucket for attempt in self._retentions.list(run_id) if attempt.retention.bucket}

    def forget_previews(self, run_id: str) -> None:
        with translated(f"values of run {run_id}"):
            is_value = ValueItem.sk.startswith(ValueItem.PREFIX)
            for item in ValueItem.query(partition(run_id), is_value, filter_condition=ValueItem.preview.exists()):
                item.update([ValueItem.preview.remove()])

    def note_removed(self, project: ShortLived, through: str) -> None:
        with translated(f"index of {project.organization}/{project.project}"):
            StateItem(*StateItem.item_key(project.organization, project.project)).update(
                [StateItem.removed_through.set(through)]
            )
