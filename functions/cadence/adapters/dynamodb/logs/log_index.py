"""`LogIndex` on the `logs` table."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Self

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from cadence.adapters.dynamodb.logs import arrivals
from cadence.adapters.dynamodb.shared.binding import bind, transaction_connection
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.adapters.dynamodb.shared.stored_item import StoredItem
from cadence.application.logs.ports import LogHead, LogIndex, LogMarks
from cadence.domain.logs.log import Gap, Segment, Watermark
from cadence.domain.shared.retention import KEPT
from cadence.domain.shared.rfc3339 import milliseconds


class _Meta:
    table_name: ClassVar[str] = "logs"


class LogsTable(StoredItem):
    class Meta(_Meta):
        pass


class HeadItem(LogsTable):
    class Meta(_Meta):
        pass

    SK: ClassVar[str] = "HEAD"

    next_segment = NumberAttribute()
    # A log that an earlier version began does not count its lines.
    lines = NumberAttribute(null=True)

    @classmethod
    def key(cls, run_id: str) -> tuple[str, str]:
        return _partition(run_id), cls.SK


class SegmentItem(LogsTable):
    class Meta(_Meta):
        pass

    PREFIX: ClassVar[str] = "SEGMENT#"

    # Segments that an earlier version wrote have no names.
    organization = UnicodeAttribute(null=True)
    project = UnicodeAttribute(null=True)
    pipeline = UnicodeAttribute(null=True)
    key = UnicodeAttribute()
    first_time = UnicodeAttribute()
    last_time = UnicodeAttribute()
    lines = NumberAttribute()
    treatments = JSONAttribute()
    levels = JSONAttribute()
    written_at = UnicodeAttribute(null=True)
    lines_before = NumberAttribute(null=True)

    @classmethod
    def sort_key(cls, number: int) -> str:
        return f"{cls.PREFIX}{number:012}"

    @classmethod
    def of(cls, segment: Segment) -> "SegmentItem":
        return cls(
            _partition(segment.run_id),
            cls.sort_key(segment.number),
            organization=segment.organization,
            project=segment.project,
            pipeline=segment.pipeline,
            key=segment.key,
            first_time=segment.first_time,
            last_time=segment.last_time,
            lines=segment.lines,
            treatments=list(segment.treatments),
            levels=list(segment.levels),
            written_at=milliseconds(datetime.now(UTC)),
            lines_before=segment.lines_before,
        )

    def segment(self) -> Segment:
        return Segment(
            organization=self.organization or "",
            project=self.project or "",
            pipeline=self.pipeline or "",
            run_id=self.pk.removeprefix("RUN#"),
            number=int(self.sk.removeprefix(self.PREFIX)),
            key=self.key,
            first_time=self.first_time,
            last_time=self.last_time,
            lines=int(self.lines),
            treatments=tuple(self.treatments),
            levels=tuple(self.levels),
            written_at=self.written_at,
            lines_before=int(self.lines_before or 0),
        )


class FreshItem(LogsTable):
    """A segment that no split covers yet, with its whole manifest."""

    class Meta(_Meta):
        pass

    run_id = UnicodeAttribute()
    number = NumberAttribute()
    key = UnicodeAttribute()
    first_time = UnicodeAttribute()
    last_time = UnicodeAttribute()
    lines = NumberAttribute()
    treatments = JSONAttribute()
    levels = JSONAttribute()
    organization = UnicodeAttribute()
    project = UnicodeAttribute()
    pipeline = UnicodeAttribute()

    PARTITION: ClassVar[str] = "FRESH#"

    @classmethod
    def partition(cls, organization: str, project: str) -> str:
        return f"{cls.PARTITION}{organization}#{project}"

    @classmethod
    def is_partition(cls, key: str) -> bool:
        return key.startswith(cls.PARTITION)

    @classmethod
    def project_of(cls, partition: str) -> tuple[str, str]:
        """Returns organization and project."""
        organization, _, project = partition.removeprefix(cls.PARTITION).partition("#")
        return organization, project

    @classmethod
    def sort_key(cls, segment: Segment) -> str:
        return f"{segment.run_id}#{segment.number:012}"

    @classmethod
    def item_key(cls, segment: Segment) -> tuple[str, str]:
        return cls.partition(segment.organization, segment.project), cls.sort_key(segment)

    @classmethod
    def of(cls, segment: Segment) -> Self:
        described = {name: getattr(segment, name) for name in cls._ATTRIBUTES}
        described |= {"treatments": list(segment.treatments), "levels": list(segment.levels)}
        return cls(*cls.item_key(segment), expires_at=datetime.now(UTC) + KEPT, **described)

    def segment(self) -> Segment:
        described = {name: getattr(self, name) for name in self._ATTRIBUTES}
        described |= {"number": int(self.number), "lines": int(self.lines)}
        return Segment(**described | {"treatments": tuple(self.treatments), "levels": tuple(self.levels)})

    _ATTRIBUTES: ClassVar[tuple[str, ...]] = (
        "run_id",
        "number",
        "key",
        "first_time",
        "last_time",
        "lines",
        "organization",
        "project",
        "pipeline",
    )


class WatermarkItem(LogsTable):
    class Meta(_Meta):
        pass

    SK: ClassVar[str] = "WATERMARK"

    through = NumberAttribute()
    gaps = JSONAttribute()
    size = NumberAttribute(null=True)
    full = UnicodeAttribute(null=True)
    left_out = NumberAttribute(null=True)

    @classmethod
    def item_key(cls, runner_id: str) -> tuple[str, str]:
        return f"RUNNER#{runner_id}", cls.SK

    @classmethod
    def of(cls, watermark: Watermark) -> "WatermarkItem":
        gaps = [[gap.first, gap.last] for gap in watermark.gaps]
        return cls(
            *cls.item_key(watermark.runner_id),
            through=watermark.through,
            gaps=gaps,
            size=watermark.size or None,
            full=watermark.full,
            left_out=watermark.left_out or None,
        )

    def watermark(self) -> Watermark:
        gaps = tuple(Gap(first, last) for first, last in self.gaps)
        return Watermark(
            self.pk.removeprefix("RUNNER#"),
            int(self.through),
            gaps,
            int(self.size or 0),
            self.full,
            int(self.left_out or 0),
        )


class DynamoLogIndex(LogIndex, LogMarks):
    def __init__(self, table_name: str) -> None:
        for model in (LogsTable, HeadItem, SegmentItem, FreshItem, WatermarkItem):
            bind(model, table_name)
        arrivals.bind_arrivals(table_name)
        self._connection = transaction_connection()

    def get_head(self, organization: str, run_id: str, runner_ids: Iterable[str]) -> LogHead:
        with translated(f"log of run {run_id}"):
            heads = list(HeadItem.query(HeadItem.key(run_id)[0], HeadItem.sk == HeadItem.SK, consistent_read=True))
        return LogHead(
            int(heads[0].next_segment) if heads else 0,
            self.watermarks(runner_ids),
            arrivals.next_number(organization, run_id),
            int(heads[0].lines or 0) if heads else 0,
        )

    def watermarks(self, runner_ids: Iterable[str]) -> Mapping[str, Watermark]:
        keys = [WatermarkItem.item_key(runner_id) for runner_id in runner_ids]
        with translated("the watermarks of runners"):
            found = [item.watermark() for item in WatermarkItem.batch_get(keys, consistent_read=True)]
        return {watermark.runner_id: watermark for watermark in found}

    def append(self, head: LogHead, segment: Segment, watermarks: Sequence[Watermark]) -> None:
        expires = datetime.now(UTC) + KEPT
        with (
            translated(f"log of run {segment.run_id}"),
            TransactWrite(connection=self._connection) as transaction,
        ):
            transaction.save(_until(expires, SegmentItem.of(segment)), SegmentItem.pk.does_not_exist())
            transaction.save(
                _until(expires, _after(segment)),
                _head_is(head.next_segment),
            )
            # A segment of a run from before lines had their project cannot be found by search.
            if segment.project:
                transaction.save(FreshItem.of(segment), FreshItem.pk.does_not_exist())
            arrivals.save_arrival(transaction, segment, head.next_arrival)
            for watermark in watermarks:
                transaction.save(
                    _until(expires, WatermarkItem.of(watermark)),
                    _watermark_is(head.watermarks.get(watermark.runner_id)),
                )

    def list_segments(self, run_id: str, from_number: int, limit: int) -> Sequence[Segment]:
        condition = SegmentItem.sk.between(SegmentItem.sort_key(from_number), SegmentItem.sort_key(10**12 - 1))
        return self._query(run_id, condition, limit, forward=True)

    def newest_segments(self, run_id: str, limit: int, before: int | None = None) -> Sequence[Segment]:
        last = 10**12 - 1 if before is None else before - 1
        if last < 0:
            return ()
        condition = SegmentItem.sk.between(SegmentItem.sort_key(0), SegmentItem.sort_key(last))
        return self._query(run_id, condition, limit, forward=False)

    def _query(self, run_id: str, condition: Condition, limit: int, forward: bool) -> Sequence[Segment]:
        with translated(f"log of run {run_id}"):
            items = SegmentItem.query(
                _partition(run_id), condition, scan_index_forward=forward, limit=limit, consistent_read=True
            )
            return [item.segment() for item in items]


def _partition(run_id: str) -> str:
    return f"RUN#{run_id}"


def _until(expires: datetime, item: Any) -> Any:
    item.expires_at = expires
    return item


def _after(segment: Segment) -> HeadItem:
    """Returns the head of a log whose last segment it is."""
    lines = segment.lines_before + segment.lines
    return HeadItem(*HeadItem.key(segment.run_id), next_segment=segment.number + 1, lines=lines)


def _head_is(next_segment: int) -> Condition:
    condition: Condition = HeadItem.next_segment == next_segment if next_segment else HeadItem.pk.does_not_exist()
    return condition


def _watermark_is(watermark: Watermark | None) -> Condition:
    if watermark is None:
        missing: Condition = WatermarkItem.pk.does_not_exist()
        return missing
    gaps = [[gap.first, gap.last] for gap in watermark.gaps]
    same: Condition = (WatermarkItem.through == watermark.through) & (WatermarkItem.gaps == gaps)
    return same
