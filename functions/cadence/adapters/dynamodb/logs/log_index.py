"""`LogIndex` on the `logs` table."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from cadence.adapters.dynamodb.logs import arrivals
from cadence.adapters.dynamodb.logs.log_items import (
    FreshItem,
    HeadItem,
    PositionItem,
    SegmentItem,
    WatermarkItem,
    partition_of,
)
from cadence.adapters.dynamodb.shared.binding import bind, transaction_connection
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.adapters.dynamodb.shared.logs_table import LogsTable
from cadence.application.logs.ports import LogHead, LogIndex, LogMarks
from cadence.domain.logs.log import Segment, Watermark
from cadence.domain.shared.retention import KEPT


class DynamoLogIndex(LogIndex, LogMarks):
    def __init__(self, table_name: str) -> None:
        for model in (LogsTable, HeadItem, SegmentItem, FreshItem, WatermarkItem):
            bind(model, table_name)
        arrivals.bind_arrivals(table_name)
        self._connection = transaction_connection()

    def get_head(self, organization: str, run_id: str, runner_ids: Iterable[str]) -> LogHead:
        head_key, lane_key = HeadItem.key(run_id), arrivals.lane_key(organization, run_id)
        keys = [head_key, lane_key, *map(WatermarkItem.item_key, runner_ids)]
        with translated(f"log of run {run_id}"):
            found: dict[tuple[str, str], Any] = {
                (item.pk, item.sk): item for item in PositionItem.batch_get(keys, consistent_read=True)
            }
        head, lane = found.pop(head_key, None), found.pop(lane_key, None)
        watermarks = [item.watermark() for item in found.values()]
        return LogHead(
            int(head.next_segment) if head else 0,
            {watermark.runner_id: watermark for watermark in watermarks},
            int(lane.next_number) if lane else 0,
            int(head.lines or 0) if head else 0,
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
                partition_of(run_id), condition, scan_index_forward=forward, limit=limit, consistent_read=True
            )
            return [item.segment() for item in items]


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
