"""`Arrivals` on the `logs` table: in which order segments became part of their runs' logs."""

import zlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.adapters.dynamodb.shared.logs_table import LogsTable
from cadence.application.search.live_ports import LANES, Arrival, Arrivals
from cadence.domain.logs.log import Segment
from cadence.domain.shared.errors import Gone

_KEPT = timedelta(days=1)


class LaneItem(LogsTable):
    """Never expires: a number that was assigned is not assigned again."""

    class Meta:
        table_name: ClassVar[str] = "logs"

    SK: ClassVar[str] = "LANE"

    next_number = NumberAttribute()


class ArrivalItem(LogsTable):
    class Meta:
        table_name: ClassVar[str] = "logs"

    PREFIX: ClassVar[str] = "ARRIVAL#"

    project = UnicodeAttribute()
    pipeline = UnicodeAttribute()
    run_id = UnicodeAttribute()
    segment = NumberAttribute()
    key = UnicodeAttribute()
    first_time = UnicodeAttribute()
    last_time = UnicodeAttribute()
    lines = NumberAttribute()
    treatments = JSONAttribute()
    levels = JSONAttribute()

    @classmethod
    def sort_key(cls, number: int) -> str:
        return f"{cls.PREFIX}{number:015}"

    def arrival(self, organization: str) -> Arrival:
        return Arrival(
            int(self.sk.removeprefix(self.PREFIX)),
            Segment(
                organization=organization,
                project=self.project,
                pipeline=self.pipeline,
                run_id=self.run_id,
                number=int(self.segment),
                key=self.key,
                first_time=self.first_time,
                last_time=self.last_time,
                lines=int(self.lines),
                treatments=tuple(self.treatments),
                levels=tuple(self.levels),
            ),
        )


def bind_arrivals(table_name: str) -> None:
    for model in (LaneItem, ArrivalItem):
        bind(model, table_name)


def lane_key(organization: str, run_id: str) -> tuple[str, str]:
    """Returns the key of the item with the number of the run's next segment."""
    return _partition(organization, _lane_of(run_id)), LaneItem.SK


def save_arrival(transaction: TransactWrite, segment: Segment, number: int) -> None:
    """Adds to a transaction that the segment is number `number` of its lane.

    The condition is that this is still the next number.
    """
    partition = _partition(segment.organization, _lane_of(segment.run_id))
    transaction.save(LaneItem(partition, LaneItem.SK, next_number=number + 1), _next_is(number))
    transaction.save(
        ArrivalItem(
            partition,
            ArrivalItem.sort_key(number),
            expires_at=datetime.now(UTC) + _KEPT,
            project=segment.project,
            pipeline=segment.pipeline,
            run_id=segment.run_id,
            segment=segment.number,
            key=segment.key,
            first_time=segment.first_time,
            last_time=segment.last_time,
            lines=segment.lines,
            treatments=list(segment.treatments),
            levels=list(segment.levels),
        )
    )


class DynamoArrivals(Arrivals):
    def __init__(self, table_name: str) -> None:
        bind_arrivals(table_name)

    def next_numbers(self, organization: str) -> Sequence[int]:
        keys = [(_partition(organization, lane), LaneItem.SK) for lane in range(LANES)]
        with translated(f"arrivals in {organization}"):
            numbers = {item.pk: int(item.next_number) for item in LaneItem.batch_get(keys, consistent_read=True)}
        return [numbers.get(partition, 0) for partition, _ in keys]

    def list_arrivals(self, organization: str, lane: int, from_number: int, limit: int) -> Sequence[Arrival]:
        condition = ArrivalItem.sk.between(ArrivalItem.sort_key(from_number), ArrivalItem.sort_key(10**15 - 1))
        with translated(f"arrivals in {organization}"):
            items = ArrivalItem.query(_partition(organization, lane), condition, limit=limit, consistent_read=True)
            arrivals = [item.arrival(organization) for item in items]
        for expected, arrival in enumerate(arrivals, from_number):
            # Items that expire do not expire in order.
            if arrival.number != expected:
                raise Gone(
                    "Lines after this cursor are no longer kept for followers. "
                    "Search for them (since:1d), and follow again without the cursor."
                )
        return arrivals


def _partition(organization: str, lane: int) -> str:
    return f"ARRIVALS#{organization}#{lane}"


def _lane_of(run_id: str) -> int:
    return zlib.crc32(run_id.encode()) % LANES


def _next_is(number: int) -> Condition:
    condition: Condition = LaneItem.next_number == number if number else LaneItem.pk.does_not_exist()
    return condition
