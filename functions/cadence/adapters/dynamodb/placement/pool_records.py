"""Records about pools in the `runners` table, beside hosts and offers."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import ClassVar

from pynamodb.attributes import BooleanAttribute, JSONAttribute, NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.exceptions import DoesNotExist

from cadence.adapters.dynamodb.runners.runner_items import RunnersTable, pool_partition
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.placement.ports import CheckResult, PoolProbe, SweepResult
from cadence.domain.shared.errors import Conflict
from cadence.domain.shared.retention import KEPT

_MARK_KEPT = timedelta(days=7)


class MarkItem(RunnersTable):
    PREFIX: ClassVar[str] = "MARK#"

    marked_at = UTCDateTimeAttribute()

    @classmethod
    def key(cls, organization: str, pool: str, ref: str) -> tuple[str, str]:
        return pool_partition(organization, pool), cls.PREFIX + ref


class ActiveItem(RunnersTable):
    PREFIX: ClassVar[str] = "ACTIVE#"

    charged = BooleanAttribute(null=True)  # the ledger has reserved an amount for it

    @classmethod
    def key(cls, organization: str, pool: str, runner_id: str) -> tuple[str, str]:
        return pool_partition(organization, pool), cls.PREFIX + runner_id


class ProbeItem(RunnersTable):
    SK: ClassVar[str] = "PROBE"

    at = UTCDateTimeAttribute()
    checks: JSONAttribute = JSONAttribute()
    error = UnicodeAttribute(null=True)

    @classmethod
    def key_of(cls, of: str) -> str:
        return f"{cls.SK}#{of}" if of else cls.SK


class SweepItem(RunnersTable):
    SK: ClassVar[str] = "SWEEP"

    at = UTCDateTimeAttribute()
    seen = NumberAttribute()
    ended = NumberAttribute()


_ITEMS = (MarkItem, ActiveItem, ProbeItem, SweepItem)


class DynamoPoolRecords:
    """Implements PoolRecords."""

    def __init__(self, table_name: str) -> None:
        for item in _ITEMS:
            bind(item, table_name)

    # Marks

    def marks(self, organization: str, pool: str) -> Mapping[str, datetime]:
        with translated(f"marks of pool {pool}"):
            items = MarkItem.query(
                pool_partition(organization, pool), MarkItem.sk.startswith(MarkItem.PREFIX), consistent_read=True
            )
            return {item.sk.removeprefix(MarkItem.PREFIX): item.marked_at for item in items}

    def mark(self, organization: str, pool: str, ref: str, at: datetime) -> None:
        with translated(f"mark of {ref}"):
            MarkItem(*MarkItem.key(organization, pool, ref), marked_at=at, expires_at=at + _MARK_KEPT).save()

    def unmark(self, organization: str, pool: str, ref: str) -> None:
        with translated(f"mark of {ref}"):
            MarkItem(*MarkItem.key(organization, pool, ref)).delete()

    # Active runners

    def note_active(self, organization: str, pool: str, runner_id: str, at: datetime) -> None:
        with translated(f"runner {runner_id}"):
            ActiveItem(*ActiveItem.key(organization, pool, runner_id)).update([ActiveItem.expires_at.set(at + KEPT)])

    def note_ended(self, organization: str, pool: str, runner_id: str) -> None:
        with suppress(Conflict), translated(f"runner {runner_id}"):
            ActiveItem(*ActiveItem.key(organization, pool, runner_id)).delete(ActiveItem.charged.does_not_exist())

    def active(self, organization: str, pool: str) -> Sequence[str]:
        with translated(f"runners of pool {pool}"):
            items = ActiveItem.query(
                pool_partition(organization, pool), ActiveItem.sk.startswith(ActiveItem.PREFIX), consistent_read=True
            )
            return [item.sk.removeprefix(ActiveItem.PREFIX) for item in items]

    # Findings

    def note_probe(self, organization: str, pool: str, probe: PoolProbe, of: str = "") -> None:
        with translated(f"probe of pool {pool}"):
            ProbeItem(
                pool_partition(organization, pool),
                ProbeItem.key_of(of),
                at=probe.at,
                checks=[asdict(check) for check in probe.checks],
                error=probe.error,
            ).save()

    def probe(self, organization: str, pool: str, of: str = "") -> PoolProbe | None:
        try:
            with translated(f"probe of pool {pool}"):
                item = ProbeItem.get(pool_partition(organization, pool), ProbeItem.key_of(of), consistent_read=True)
        except DoesNotExist:
            return None
        return PoolProbe(item.at, tuple(CheckResult(**check) for check in item.checks), item.error)

    def note_sweep(self, organization: str, pool: str, result: SweepResult) -> None:
        with translated(f"sweep of pool {pool}"):
            SweepItem(
                pool_partition(organization, pool),
                SweepItem.SK,
                at=result.at,
                seen=result.seen,
                ended=result.ended,
            ).save()

    def sweep(self, organization: str, pool: str) -> SweepResult | None:
        try:
            with translated(f"sweep of pool {pool}"):
                item = SweepItem.get(pool_partition(organization, pool), SweepItem.SK, consistent_read=True)
        except DoesNotExist:
            return None
        return SweepResult(item.at, int(item.seen), int(item.ended))
