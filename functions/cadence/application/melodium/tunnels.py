"""Bytes between an engine and its worker, where neither can reach the other: both call here, and one's messages go to the other.

What is in a message is not looked at: it is bytes that only the two engines understand, in TLS of their own, and how far each
end has got with them. Messages may be lost, doubled or overtake each other, which the two ends make good.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from cadence.application.access.authenticate import require
from cadence.application.melodium.processes import Processes
from cadence.application.runners.runner_sessions import RunnerSessions
from cadence.application.shared.ports import Sockets
from cadence.domain.access.access import Permission, Principal
from cadence.domain.shared.errors import Forbidden, Gone, NotFound

_REMEMBERED = 256


class TunnelSide(StrEnum):
    ASKING = "asking"
    WORKER = "worker"

    @property
    def other(self) -> "TunnelSide":
        return TunnelSide.WORKER if self is TunnelSide.ASKING else TunnelSide.ASKING


class TunnelEnds(Protocol):
    """Which connections the two ends of a run's tunnel have (table `runners`)."""

    def put(self, run_id: str, side: TunnelSide, connection_id: str) -> None:
        """Replaces the one before: an end that comes again has lost its connection."""

    def get(self, run_id: str) -> dict[TunnelSide, str]:
        """Those that are there."""


@dataclass(kw_only=True)
class Tunnels:
    ends: TunnelEnds
    sockets: Sockets
    authenticate: Callable[[str | None], Principal]
    processes: Processes
    sessions: RunnerSessions
    _known: dict[str, dict[TunnelSide, str]] = field(default_factory=dict)

    def join_asking(self, connection_id: str, run_id: str, token: str) -> None:
        """For the relay beside an engine that asked for the worker. Raises Unauthenticated, Forbidden, NotFound."""
        by = self.authenticate(f"Bearer {token}")
        require(by, Permission.MELODIUM_DISPATCH)
        self._join(connection_id, self.processes.get(by, run_id).run_id, TunnelSide.ASKING)

    def join_worker(self, connection_id: str, run_id: str, runner_id: str, session: str) -> None:
        """For the worker's agent. Raises Unauthenticated, Gone, Forbidden."""
        runner = self.sessions.check(runner_id, f"Bearer {session}")
        if runner.run_id != run_id:
            raise Forbidden("The runner is of another run.")
        self._join(connection_id, run_id, TunnelSide.WORKER)

    def pass_on(self, connection_id: str, run_id: str, side: TunnelSide, data: Any) -> None:
        """To the other end; if that is not there, this one is told. Raises Forbidden for a connection that has not joined."""
        ends = self._known.get(run_id) or self._read(run_id)
        if ends.get(side) != connection_id or side.other not in ends:
            ends = self._read(run_id)
        if ends.get(side) != connection_id:
            raise Forbidden("This connection is not, or no longer, an end of the tunnel: join first.")
        text = json.dumps({"kind": "data", "data": data}, separators=(",", ":"))
        if not self._tell(ends.get(side.other), text) and not self._tell(self._read(run_id).get(side.other), text):
            self._tell(connection_id, json.dumps({"kind": "absent"}))

    def _join(self, connection_id: str, run_id: str, side: TunnelSide) -> None:
        self.ends.put(run_id, side, connection_id)
        ends = self._read(run_id)
        is_there = self._tell(ends.get(side.other), json.dumps({"kind": "peer"}))
        self._tell(connection_id, json.dumps({"kind": "joined", "peer": is_there}))

    def _read(self, run_id: str) -> dict[TunnelSide, str]:
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        ends = self._known[run_id] = self.ends.get(run_id)
        return ends

    def _tell(self, connection_id: str | None, text: str) -> bool:
        if connection_id is None:
            return False
        try:
            self.sockets.post(connection_id, text)
        except (Gone, NotFound):
            return False
        return True
