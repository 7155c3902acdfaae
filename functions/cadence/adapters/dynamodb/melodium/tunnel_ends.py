"""`TunnelEnds` on the `runners` table."""

from typing import ClassVar

from pynamodb.attributes import UnicodeAttribute

from cadence.adapters.dynamodb.runners.runner_items import RunnersTable, expiry
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.melodium.tunnels import TunnelEnds, TunnelSide


class TunnelEndItem(RunnersTable):
    PREFIX: ClassVar[str] = "TUNNEL#"

    connection_id = UnicodeAttribute()


class DynamoTunnelEnds(TunnelEnds):
    def __init__(self, table_name: str) -> None:
        bind(TunnelEndItem, table_name)

    def put(self, run_id: str, side: TunnelSide, connection_id: str) -> None:
        with translated(f"tunnel of run {run_id}"):
            item = TunnelEndItem(_partition(run_id), TunnelEndItem.PREFIX + side, connection_id=connection_id)
            item.expires_at = expiry()
            item.save()

    def get(self, run_id: str) -> dict[TunnelSide, str]:
        with translated(f"tunnel of run {run_id}"):
            items = TunnelEndItem.query(
                _partition(run_id), TunnelEndItem.sk.startswith(TunnelEndItem.PREFIX), consistent_read=True
            )
            return {TunnelSide(item.sk.removeprefix(TunnelEndItem.PREFIX)): item.connection_id for item in items}


def _partition(run_id: str) -> str:
    return f"RUN#{run_id}"
