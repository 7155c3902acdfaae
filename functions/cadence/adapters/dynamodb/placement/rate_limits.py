"""`RateLimits` on the `runners` table: two conditional writes that exclude each other.

So no process has to read first, and no two of them fail because of each other.
"""

from datetime import datetime, timedelta
from typing import ClassVar

from pynamodb.attributes import NumberAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from cadence.adapters.aws.retry import insisting
from cadence.adapters.dynamodb.runners.runner_items import RunnersTable
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.domain.placement.pacing import LONGEST_WAIT, LimitedApi, microseconds
from cadence.domain.shared.errors import Conflict, Transient

_KEPT = timedelta(days=1)


class RateLimitItem(RunnersTable):
    SK: ClassVar[str] = "PACE"

    full_at = NumberAttribute()  # microseconds since 1970

    @classmethod
    def of(cls, api: LimitedApi) -> "RateLimitItem":
        return cls(f"PACE#{api.bucket}", cls.SK)


class DynamoRateLimits:
    def __init__(self, table_name: str) -> None:
        bind(RateLimitItem, table_name)

    def reserve(self, api: LimitedApi, calls: int, now: datetime) -> timedelta | None:
        at, spent = microseconds(now), api.pace.taken(calls)
        latest = at + microseconds_of(LONGEST_WAIT) + api.pace.taken(api.pace.burst)

        def once() -> int | None:
            item = RateLimitItem.of(api)
            try:
                return _write(item, [RateLimitItem.full_at.add(spent)], RateLimitItem.full_at.between(at, latest), now)
            except Conflict:
                pass  # it is full, or so empty that it gives no place
            try:
                return _write(
                    item,
                    [RateLimitItem.full_at.set(at + spent)],
                    RateLimitItem.full_at.does_not_exist() | (RateLimitItem.full_at < at),
                    now,
                )
            except Conflict:
                pass
            item.refresh(consistent_read=True)
            if int(item.full_at) > latest:
                return None
            raise Transient(f"the pace of {api.bucket} is being changed by others")

        full_at = insisting(once)
        return None if full_at is None else timedelta(microseconds=api.pace.wait(full_at, at))

    def slow_down(self, api: LimitedApi, by: timedelta, now: datetime) -> None:
        until = microseconds(now) + microseconds_of(by) + api.pace.taken(api.pace.burst)
        item = RateLimitItem.of(api)
        try:
            _write(
                item,
                [RateLimitItem.full_at.set(until)],
                RateLimitItem.full_at.does_not_exist() | (RateLimitItem.full_at < until),
                now,
            )
        except Conflict:
            return  # it is slower already


def _write(item: RateLimitItem, actions: list[Action], condition: Condition, now: datetime) -> int:
    with translated(f"pace {item.pk}"):
        item.update(actions=[*actions, RateLimitItem.expires_at.set(now + _KEPT)], condition=condition)
    return int(item.full_at)


def microseconds_of(length: timedelta) -> int:
    return length // timedelta(microseconds=1)
