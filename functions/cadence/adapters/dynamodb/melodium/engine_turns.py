"""`Turns` on the `runs` table."""

from contextlib import suppress
from datetime import datetime
from typing import ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute

from cadence.adapters.dynamodb.runs.run_items import RunsTable, partition
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.melodium.intake import Turn, Turns
from cadence.application.runs.ports import EngineStream
from cadence.domain.shared.errors import Conflict


class TurnItem(RunsTable):
    PREFIX: ClassVar[str] = "TURN#"

    announced = NumberAttribute(null=True)
    holder = UnicodeAttribute(null=True)
    until = UTCDateTimeAttribute(null=True)


class DynamoTurns(Turns):
    def __init__(self, table_name: str) -> None:
        bind(TurnItem, table_name)

    def announce(self, run_id: str, stream: EngineStream) -> None:
        with translated(f"run {run_id}"):
            _key(run_id, stream).update([TurnItem.announced.add(1)])

    def take(self, run_id: str, stream: EngineStream, holder: str, now: datetime, until: datetime) -> Turn | None:
        item = _key(run_id, stream)
        try:
            with translated(f"run {run_id}"):
                item.update(
                    [TurnItem.holder.set(holder), TurnItem.until.set(until)],
                    condition=TurnItem.holder.does_not_exist() | (TurnItem.holder == holder) | (TurnItem.until < now),
                )
        except Conflict:
            return None
        return Turn(run_id, stream, holder, int(item.announced or 0))

    def again(self, turn: Turn, until: datetime) -> Turn:
        item = _key(turn.run_id, turn.stream)
        with translated(f"run {turn.run_id}"):
            item.update([TurnItem.until.set(until)], condition=TurnItem.holder == turn.holder)
        return Turn(turn.run_id, turn.stream, turn.holder, int(item.announced or 0))

    def drop(self, turn: Turn) -> None:
        with suppress(Conflict), translated(f"run {turn.run_id}"):
            _key(turn.run_id, turn.stream).update(
                [TurnItem.holder.remove(), TurnItem.until.remove()], condition=TurnItem.holder == turn.holder
            )

    def give_back(self, turn: Turn) -> bool:
        try:
            with translated(f"run {turn.run_id}"):
                _key(turn.run_id, turn.stream).update(
                    [TurnItem.holder.remove(), TurnItem.until.remove()],
                    condition=(TurnItem.holder == turn.holder) & (TurnItem.announced == turn.seen),
                )
        except Conflict:
            return False
        return True


def _key(run_id: str, stream: EngineStream) -> TurnItem:
    return TurnItem(partition(run_id), TurnItem.PREFIX + stream)
