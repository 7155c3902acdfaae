"""`TunnelEnds` on the `runners` table."""

from typing import ClassVar

from pynamodb.attributes import UnicodeAttribute

from cadence.adapters.dynamodb.runners.runner_items import RunnersTable, expiry
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.melodium.tunnels import TunnelEnds, TunnelName, TunnelSide


class TunnelEndItem(RunnersTable):
    PREFIX: ClassVar[str] = "TUNNEL#"
    SHELL_PREFIX: ClassVar[str] = "SHELL#"

    connection_id = UnicodeAttribute()


class DynamoTunnelEnds(TunnelEnds):
    def __init__(self, table_name: str) -> None:
        bind(TunnelEndItem, table_name)

    def put(self, tunnel: TunnelName, side: TunnelSide, connection_id: str) -> None:
        with translated(f"tunnel of run {tunnel.run_id}"):
            item = TunnelEndItem(_partition(tunnel), _prefix(tunnel) + side, connection_id=connection_id)
            item.expires_at = expiry()
            item.save()

    def get(self, tunnel: TunnelName) -> dict[TunnelSide, str]:
        prefix = _prefix(tunnel)
        with translated(f"tunnel of run {tunnel.run_id}"):
            items = TunnelEndItem.query(_partition(tunnel), TunnelEndItem.sk.startswith(prefix), consistent_read=True)
            return {TunnelSide(item.sk.removeprefix(prefix)): item.connection_id for item in items}


def _partition(tunnel: TunnelName) -> str:
    return f"RUN#{tunnel.run_id}"


def _prefix(tunnel: TunnelName) -> str:
    return f"{TunnelEndItem.SHELL_PREFIX}{tunnel.shell}#" if tunnel.shell else TunnelEndItem.PREFIX
