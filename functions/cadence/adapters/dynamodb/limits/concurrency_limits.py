"""`ConcurrencyLimitStore` on the `runs` table.

Each concurrency limit has one partition, with one small item for its head.
"""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from pynamodb.attributes import (
    JSONAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.transactions import TransactWrite

from cadence.adapters.dynamodb.runs.run_items import RunsTable
from cadence.adapters.dynamodb.shared.binding import bind, transaction_connection
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.domain.limits.concurrency_limit import ConcurrencyLimit, LaneKey, LimitEntry, WaitingLane
from cadence.domain.runs.run import HIGHEST_PRIORITY


def _partition(scope: str) -> str:
    return f"LIMIT#{scope}"


class _Item(RunsTable):
    """Any item of a concurrency limit; which attributes it has depends on its kind."""

    HEAD: ClassVar[str] = "HEAD"
    INSIDE: ClassVar[str] = "INSIDE#"
    PLACE: ClassVar[str] = "PLACE#"
    WAITING: ClassVar[str] = "WAITING#"

    # of the head
    limit = NumberAttribute(null=True)
    next_ticket = NumberAttribute(null=True)
    inside: JSONAttribute = JSONAttribute(null=True)
    lanes: JSONAttribute = JSONAttribute(null=True)
    unwoken = UnicodeSetAttribute(null=True)
    watched_until = UTCDateTimeAttribute(null=True)
    checked_at = UTCDateTimeAttribute(null=True)
    version = NumberAttribute(null=True)
    # of a place
    holder = UnicodeAttribute(null=True)
    run_id = UnicodeAttribute(null=True)
    treatment = UnicodeAttribute(null=True)
    attempt = NumberAttribute(null=True)
    project = UnicodeAttribute(null=True)
    priority = NumberAttribute(null=True)
    ticket = NumberAttribute(null=True)


class DynamoConcurrencyLimitStore:
    def __init__(self, table_name: str) -> None:
        bind(_Item, table_name)
        self._connection = transaction_connection()

    def get(self, scope: str, holder: str | None = None) -> tuple[ConcurrencyLimit | None, LimitEntry | None]:
        sort_keys = [_Item.HEAD, *((_Item.INSIDE + holder, _Item.PLACE + holder) if holder else ())]
        with translated(f"concurrency limit {scope}"):
            items = {
                item.sk: item
                for item in _Item.batch_get([(_partition(scope), key) for key in sort_keys], consistent_read=True)
            }
        head = items.pop(_Item.HEAD, None)
        return _concurrency_limit(scope, head) if head else None, next(map(_place, items.values()), None)

    def commit(
        self, concurrency_limit: ConcurrencyLimit, put: Sequence[LimitEntry], removed: Sequence[LimitEntry]
    ) -> None:
        keys = {key for place in put for key in _keys(place)}
        with (
            translated(f"concurrency limit {concurrency_limit.scope}"),
            TransactWrite(connection=self._connection) as transaction,
        ):
            as_read = (
                _Item.version == concurrency_limit.version if concurrency_limit.version else _Item.pk.does_not_exist()
            )
            transaction.save(_head(concurrency_limit), condition=as_read)
            for place in removed:
                for key in _keys(place):
                    if key not in keys:
                        transaction.delete(_Item(_partition(concurrency_limit.scope), key))
            for place in put:
                for key in _keys(place):
                    transaction.save(_item(concurrency_limit.scope, key, place))

    def first_waiting(self, scope: str, lane: LaneKey, limit: int) -> Sequence[LimitEntry]:
        return self._places(scope, _lane_prefix(lane), limit)

    def waiting(self, scope: str, limit: int) -> Sequence[LimitEntry]:
        return self._places(scope, _Item.WAITING, limit)

    def inside(self, scope: str, limit: int) -> Sequence[LimitEntry]:
        return self._places(scope, _Item.INSIDE, limit)

    @staticmethod
    def _places(scope: str, prefix: str, limit: int) -> list[LimitEntry]:
        with translated(f"concurrency limit {scope}"):
            items = _Item.query(_partition(scope), _Item.sk.startswith(prefix), limit=limit, consistent_read=True)
            return [_place(item) for item in items]


def _lane_prefix(lane: LaneKey) -> str:
    """Returns a prefix that sorts the highest priority first."""
    return f"{_Item.WAITING}{HIGHEST_PRIORITY - lane.priority:03}#{lane.project}#"


def _keys(place: LimitEntry) -> tuple[str, ...]:
    """Returns the keys of a waiting run or treatment: by its name and by its turn."""
    if place.inside:
        return (_Item.INSIDE + place.holder,)
    return _Item.PLACE + place.holder, f"{_lane_prefix(place.lane)}{place.ticket:012}"


def _head(concurrency_limit: ConcurrencyLimit) -> _Item:
    values: dict[str, Any] = {
        "limit": concurrency_limit.limit,
        "next_ticket": concurrency_limit.next_ticket,
        "inside": dict(concurrency_limit.inside),
        "lanes": [[*key, lane.waiting, lane.first] for key, lane in concurrency_limit.lanes.items()],
        "unwoken": set(concurrency_limit.unwoken) or None,
        "watched_until": concurrency_limit.watched_until,
        "checked_at": concurrency_limit.checked_at,
        "version": concurrency_limit.version + 1,
    }
    return _Item(_partition(concurrency_limit.scope), _Item.HEAD, **_present(values.items()))


def _concurrency_limit(scope: str, item: _Item) -> ConcurrencyLimit:
    return ConcurrencyLimit(
        scope=scope,
        limit=int(item.limit),
        next_ticket=int(item.next_ticket),
        inside=item.inside or {},
        lanes={
            LaneKey(priority, project): WaitingLane(waiting, first)
            for priority, project, waiting, first in item.lanes or ()
        },
        unwoken=frozenset(item.unwoken or ()),
        watched_until=item.watched_until,
        checked_at=item.checked_at,
        version=int(item.version),
    )


def _item(scope: str, key: str, place: LimitEntry) -> _Item:
    names = ("holder", "run_id", "treatment", "attempt", "project", "priority", "ticket")
    return _Item(_partition(scope), key, **_present((name, getattr(place, name)) for name in names))


def _place(item: _Item) -> LimitEntry:
    return LimitEntry(
        holder=item.holder,
        run_id=item.run_id,
        project=item.project,
        priority=int(item.priority),
        treatment=item.treatment,
        attempt=int(item.attempt),
        ticket=int(item.ticket),
        inside=item.sk.startswith(_Item.INSIDE),
    )


def _present(values: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in values if value is not None}
