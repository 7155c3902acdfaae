"""Passes bytes between two ends, neither of which can reach the other: both connect here.

They are an engine and its worker, or a user and the runner where the user opens a shell.

Messages are not inspected: they hold bytes that only the two engines understand, in TLS of their own, and how far each
end has got with them. Messages may be lost, doubled or overtake each other, for which the two ends compensate.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from cadence.application.access.audited_request import AuditedRequest
from cadence.application.access.authenticate import require
from cadence.application.melodium.processes import Processes
from cadence.application.runners.runner_sessions import RunnerSessions
from cadence.application.runners.runner_tokens import runner_principal
from cadence.application.runners.shells import JoinShell
from cadence.application.shared.ports import Sockets
from cadence.domain.access.access import Permission, Principal
from cadence.domain.access.audit import AuditKind
from cadence.domain.shared.errors import CadenceError, Forbidden, Gone, NotFound

_REMEMBERED = 256


class TunnelName(NamedTuple):
    """The tunnel of a worker's run, or of a `shell` on a runner of a run."""

    run_id: str
    shell: str = ""


class TunnelSide(StrEnum):
    """One of the two ends of a tunnel: the engine that asked for the worker, or the worker.

    Of a shell's tunnel: the user who asked for the shell, or the runner.
    """

    ASKING = "asking"
    WORKER = "worker"

    @property
    def other(self) -> "TunnelSide":
        return TunnelSide.WORKER if self is TunnelSide.ASKING else TunnelSide.ASKING


class TunnelEnds(Protocol):
    """Stores the connections of the two ends of a tunnel (table `runners`)."""

    def put(self, tunnel: TunnelName, side: TunnelSide, connection_id: str) -> None:
        """Stores an end's connection in place of an earlier one, which the end has lost."""

    def get(self, tunnel: TunnelName) -> dict[TunnelSide, str]:
        """Returns the connections of the ends that have joined."""


@dataclass(kw_only=True)
class Tunnels:
    """Joins the two ends of tunnels, and passes messages on."""

    ends: TunnelEnds
    sockets: Sockets
    authenticate: Callable[[str | None], Principal]
    audited: Callable[[str, str, str], AuditedRequest]
    processes: Processes
    sessions: RunnerSessions
    shells: JoinShell
    _known: dict[TunnelName, dict[TunnelSide, str]] = field(default_factory=dict)

    def join_asking(self, connection_id: str, run_id: str, token: str, source: str = "") -> None:
        """Joins the relay beside the engine that asked for the worker. Raises Unauthenticated, Forbidden, NotFound."""
        audit = self._audited(run_id, source)
        by = None
        try:
            by = self.authenticate(f"Bearer {token}")
            by = require(by, Permission.MELODIUM_DISPATCH)
            run = self.processes.get(by, run_id)
        except CadenceError as error:
            audit.refuse(by, error)
            raise
        audit.accept_hourly(by, AuditKind.CHANGE, run.project)
        self._join(connection_id, TunnelName(run.run_id), TunnelSide.ASKING)

    def join_worker(self, connection_id: str, run_id: str, runner_id: str, session: str, source: str = "") -> None:
        """Joins the worker's agent. Raises Unauthenticated, Gone, Forbidden."""
        audit = self._audited(run_id, source)
        by = None
        try:
            runner = self.sessions.check(runner_id, f"Bearer {session}")
            by = runner_principal(runner)
            if runner.run_id != run_id:
                raise Forbidden(f"Runner {runner_id} belongs to another run than {run_id}.")
        except CadenceError as error:
            audit.refuse(by, error)
            raise
        audit.accept_hourly(by, AuditKind.CHANGE, runner.project)
        self._join(connection_id, TunnelName(run_id), TunnelSide.WORKER)

    def join_shell(
        self, connection_id: str, tunnel: TunnelName, side: TunnelSide, runner_id: str, token: str, source: str = ""
    ) -> None:
        """Joins an end of a shell's tunnel; `token` is the user's API token, or the session token of the runner.

        Raises Unauthenticated, Gone, Forbidden, NotFound.
        """
        check = self.shells.check_user if side is TunnelSide.ASKING else self.shells.check_runner
        check(tunnel.run_id, tunnel.shell, runner_id, token, source)
        self._join(connection_id, tunnel, side)

    def _audited(self, run_id: str, source: str) -> AuditedRequest:
        """Returns what records that a side joins, once an hour for each, or why it is refused."""
        return self.audited("join_tunnel", f"/v1/runs/{run_id}/tunnel", source)

    def pass_on(self, connection_id: str, tunnel: TunnelName, side: TunnelSide, data: Any) -> None:
        """Sends `data` to the other end, or `absent` to this one if the other is not connected.

        Raises Forbidden for a connection that has not joined.
        """
        ends = self._known.get(tunnel) or self._read(tunnel)
        if ends.get(side) != connection_id or side.other not in ends:
            ends = self._read(tunnel)
        if ends.get(side) != connection_id:
            raise Forbidden("This connection is not, or no longer, an end of the tunnel: join first.")
        text = json.dumps({"kind": "data", "data": data}, separators=(",", ":"))
        if not self._send(ends.get(side.other), text) and not self._send(self._read(tunnel).get(side.other), text):
            self._send(connection_id, json.dumps({"kind": "absent"}))

    def _join(self, connection_id: str, tunnel: TunnelName, side: TunnelSide) -> None:
        self.ends.put(tunnel, side, connection_id)
        ends = self._read(tunnel)
        has_peer = self._send(ends.get(side.other), json.dumps({"kind": "peer"}))
        self._send(connection_id, json.dumps({"kind": "joined", "peer": has_peer}))

    def _read(self, tunnel: TunnelName) -> dict[TunnelSide, str]:
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        ends = self._known[tunnel] = self.ends.get(tunnel)
        return ends

    def _send(self, connection_id: str | None, text: str) -> bool:
        """Returns False if the connection is gone."""
        if connection_id is None:
            return False
        try:
            self.sockets.post(connection_id, text)
        except (Gone, NotFound):
            return False
        return True
