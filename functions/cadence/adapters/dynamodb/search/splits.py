"""`SplitCatalogue` on the `logs` table.

A project's fresh segments and its splits have a partition each; all states have one together.
"""

import json
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from pynamodb.attributes import (
    BinaryAttribute,
    JSONAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from cadence.adapters.dynamodb.logs.log_items import FreshItem
from cadence.adapters.dynamodb.search.index_states import StateItem
from cadence.adapters.dynamodb.shared.binding import bind, transaction_connection
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.adapters.dynamodb.shared.logs_table import LogsTable
from cadence.application.search.split_ports import IndexState, SkippedSegment, SplitCatalogue
from cadence.domain.logs.log import Segment
from cadence.domain.search.query import FieldName
from cadence.domain.search.split import Split, SplitFacts
from cadence.domain.shared.retention import KEPT


class SplitItem(LogsTable):
    class Meta:
        table_name: ClassVar[str] = "logs"

    PREFIX: ClassVar[str] = "SPLIT#"

    organization = UnicodeAttribute()
    project = UnicodeAttribute()
    key = UnicodeAttribute()
    built_at = UTCDateTimeAttribute()
    first_time = UnicodeAttribute()
    last_time = UnicodeAttribute()
    lines = NumberAttribute()
    text_bytes = NumberAttribute()
    size = NumberAttribute()
    head_bytes = NumberAttribute()
    # `values` is a method of every item.
    field_values = JSONAttribute()
    covered = BinaryAttribute(legacy_encoding=False)

    @classmethod
    def item_key(cls, split: Split) -> tuple[str, str]:
        return _partition(split.organization, split.project), f"{cls.PREFIX}{split.split_id}"

    @classmethod
    def of(cls, split: Split) -> "SplitItem":
        facts = split.facts
        return cls(
            *cls.item_key(split),
            organization=split.organization,
            project=split.project,
            key=split.key,
            built_at=split.built_at,
            first_time=facts.first_time,
            last_time=facts.last_time,
            lines=facts.lines,
            text_bytes=facts.text_bytes,
            size=facts.size,
            head_bytes=facts.head_bytes,
            field_values={name.value: list(values) for name, values in facts.values.items()},
            covered=zlib.compress(json.dumps(split.covered, separators=(",", ":")).encode()),
            # Retention removes a split before that; this is for projects that no longer exist.
            expires_at=datetime.fromisoformat(facts.last_time) + KEPT + timedelta(days=1),
        )

    def split(self) -> Split:
        covered = json.loads(zlib.decompress(self.covered))
        return Split(
            organization=self.organization,
            project=self.project,
            split_id=self.sk.removeprefix(self.PREFIX),
            key=self.key,
            built_at=self.built_at,
            facts=SplitFacts(
                first_time=self.first_time,
                last_time=self.last_time,
                lines=int(self.lines),
                text_bytes=int(self.text_bytes),
                size=int(self.size),
                head_bytes=int(self.head_bytes),
                values={FieldName(name): tuple(values) for name, values in self.field_values.items()},
            ),
            covered={run_id: [(first, last) for first, last in ranges] for run_id, ranges in covered.items()},
        )


class SkippedSegmentItem(FreshItem):
    class Meta:
        table_name: ClassVar[str] = "logs"

    PREFIX: ClassVar[str] = "DEAD_LETTER#"

    cause = UnicodeAttribute()
    at = UTCDateTimeAttribute()

    @classmethod
    def item_key(cls, segment: Segment) -> tuple[str, str]:
        return _partition(segment.organization, segment.project), f"{cls.PREFIX}{cls.sort_key(segment)}"


class DynamoSplitCatalogue(SplitCatalogue):
    def __init__(self, table_name: str) -> None:
        for model in (LogsTable, FreshItem, SplitItem, StateItem, SkippedSegmentItem):
            bind(model, table_name)
        self._connection = transaction_connection()

    def get_state(self, organization: str, project: str) -> IndexState:
        with translated(f"index of {organization}/{project}"):
            try:
                item = StateItem.get(*StateItem.item_key(organization, project), consistent_read=True)
            except StateItem.DoesNotExist:
                return IndexState(organization=organization, project=project, version=0, due_at=None, retention=None)
        days = item.retention_days
        retention = None if days is None else timedelta(days=int(days))
        return IndexState(
            organization=organization,
            project=project,
            version=int(item.version),
            due_at=item.due_at,
            retention=retention,
        )

    def list_fresh(self, organization: str, project: str) -> Sequence[Segment]:
        with translated(f"fresh segments of {organization}/{project}"):
            items = FreshItem.query(FreshItem.partition(organization, project), consistent_read=True)
            return [item.segment() for item in items]

    def list_splits(self, organization: str, project: str) -> Sequence[Split]:
        with translated(f"splits of {organization}/{project}"):
            condition = SplitItem.sk.startswith(SplitItem.PREFIX)
            items = SplitItem.query(_partition(organization, project), condition, consistent_read=True)
            return [item.split() for item in items]

    def add_split(self, state: IndexState, split: Split) -> IndexState:
        with (
            translated(f"index of {split.organization}/{split.project}"),
            TransactWrite(connection=self._connection) as transaction,
        ):
            transaction.save(SplitItem.of(split), SplitItem.pk.does_not_exist())
            item, actions = _next(state, split.built_at)
            transaction.update(item, actions=actions, condition=_unchanged(state))
        return IndexState(
            organization=state.organization,
            project=state.project,
            version=state.version + 1,
            due_at=split.built_at,
            retention=state.retention,
        )

    def note_look(self, state: IndexState, due_at: datetime | None) -> None:
        with translated(f"index of {state.organization}/{state.project}"):
            item, actions = _next(state, due_at)
            item.update(actions=actions, condition=_unchanged(state))

    def replace(self, old: Sequence[Split], new: Split | None) -> None:
        with (
            translated(f"splits of {old[0].organization}/{old[0].project}"),
            TransactWrite(connection=self._connection) as transaction,
        ):
            for split in old:
                transaction.delete(SplitItem(*SplitItem.item_key(split)), condition=SplitItem.pk.exists())
            if new is not None:
                transaction.save(SplitItem.of(new), SplitItem.pk.does_not_exist())

    def forget_fresh(self, segments: Sequence[Segment]) -> None:
        with translated("fresh segments"), FreshItem.batch_write() as batch:
            for segment in segments:
                batch.delete(FreshItem(*FreshItem.item_key(segment)))

    def skip_segment(self, segment: Segment, cause: str, at: datetime) -> None:
        item = SkippedSegmentItem.of(segment)
        item.cause, item.at = cause, at
        with (
            translated(f"segment {segment.number} of run {segment.run_id}"),
            TransactWrite(connection=self._connection) as transaction,
        ):
            transaction.delete(FreshItem(*FreshItem.item_key(segment)), condition=FreshItem.pk.exists())
            transaction.save(item)

    def list_skipped_segments(self, organization: str, project: str) -> Sequence[SkippedSegment]:
        with translated(f"index of {organization}/{project}"):
            condition = SkippedSegmentItem.sk.startswith(SkippedSegmentItem.PREFIX)
            items = SkippedSegmentItem.query(_partition(organization, project), condition, consistent_read=True)
            return [SkippedSegment(item.segment(), item.cause, item.at) for item in items]

    def take_back(self, segment: Segment) -> None:
        with (
            translated(f"segment {segment.number} of run {segment.run_id}"),
            TransactWrite(connection=self._connection) as transaction,
        ):
            transaction.delete(
                SkippedSegmentItem(*SkippedSegmentItem.item_key(segment)), condition=SkippedSegmentItem.pk.exists()
            )
            transaction.save(FreshItem.of(segment), FreshItem.pk.does_not_exist())

    def discard(self, segment: Segment) -> None:
        with translated(f"segment {segment.number} of run {segment.run_id}"):
            SkippedSegmentItem(*SkippedSegmentItem.item_key(segment)).delete()

    def put_retention(self, organization: str, project: str, retention: timedelta | None, at: datetime) -> None:
        days = StateItem.retention_days
        with translated(f"index of {organization}/{project}"):
            StateItem(*StateItem.item_key(organization, project)).update(
                actions=[
                    StateItem.version.add(1),
                    StateItem.due_at.set(at),
                    days.remove() if retention is None else days.set(retention.days),
                ]
            )

    def list_due(self, now: datetime, limit: int) -> Sequence[tuple[str, str]]:
        with translated("states of indexes"):
            items = StateItem.query(StateItem.PARTITION, filter_condition=StateItem.due_at <= now, limit=limit)
            due = sorted(items, key=lambda item: item.due_at or datetime.max.replace(tzinfo=UTC))
        named = [item.sk.partition("#") for item in due]
        return [(organization, project) for organization, _, project in named]


def _partition(organization: str, project: str) -> str:
    return f"SPLITS#{organization}#{project}"


def _next(state: IndexState, due_at: datetime | None) -> tuple[StateItem, list[Any]]:
    due = StateItem.due_at.remove() if due_at is None else StateItem.due_at.set(due_at)
    item = StateItem(*StateItem.item_key(state.organization, state.project))
    return item, [StateItem.version.set(state.version + 1), due]


def _unchanged(state: IndexState) -> Condition:
    condition: Condition = StateItem.version == state.version if state.version else StateItem.pk.does_not_exist()
    return condition
