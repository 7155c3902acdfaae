"""The connections between an engine on this machine and others: its relay, and the tunnel to the engine that asked for
it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

from ..assignments.assignment import Assignment
from ..execution.workspace import Workspace
from ..logs.buffer import LogBuffer
from ..melodium.worker_engine import EngineContext
from ..shared.termination import Termination
from ..tunnels.relay import Relay, connect_worker
from ..tunnels.tunnel import Tunnel
from .settings import RunnerSettings

PortCall = Callable[[str, "dict[str, Any]"], "dict[str, Any]"]


class EngineConnections:
    """``call`` sends a request of this runner to the gateway.

    ``engine_context`` holds the runner's log, its termination and the directories that an engine must not see.
    """

    def __init__(
        self,
        url: str,
        assignment: Assignment,
        settings: RunnerSettings,
        call: PortCall,
        failed: Callable[[Exception], None],
        engine_context: tuple[LogBuffer, Termination, tuple[Path, ...]],
    ) -> None:
        self._url, self._assignment, self._settings, self._call, self._failed = url, assignment, settings, call, failed
        self._log, self._termination, self._hidden = engine_context
        self._relay: Relay | None = None
        self._tunnel: Tunnel | None = None

    def engine_context(self, workspace: Workspace) -> EngineContext:
        """Starts a relay and returns what an engine in this workspace works with."""
        self._relay = Relay(self._url)
        return EngineContext(
            workspace=workspace,
            api=self._url,
            log=self._log,
            termination=self._termination,
            rewrite=self._relay.rewrite,
            hidden=self._hidden,
            pod=self._settings.pod,
        )

    def report_listening(self, where: dict[str, Any]) -> None:
        """Reports the address at which the engine listens, and opens a tunnel for engines on other machines."""
        try:
            answer = self._call("listening", where)
            if answer.get("tunnel"):
                assignment, port = self._assignment, where["port"]
                settings = (assignment.run_id, self._settings.runner_id, assignment.session_token)
                self._tunnel = connect_worker(self._url, answer["tunnel"], *settings, port)
                self._tunnel.start()
        except Exception as error:  # noqa: BLE001 - a worker whose address is unknown is of no use
            self._failed(error)

    def close(self) -> None:
        """Closes the relay and the tunnel."""
        for connection in (self._relay, self._tunnel):
            if connection:
                connection.close()
