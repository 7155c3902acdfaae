"""Connections of an engine on this machine with others: its relay, and the tunnel to the engine that asked for it."""

from __future__ import annotations

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
    """Opened when an engine needs them. ``call`` sends a request of this runner to the gateway at ``url``."""

    def __init__(
        self,
        url: str,
        assignment: Assignment,
        settings: RunnerSettings,
        call: PortCall,
        failed: Callable[[Exception], None],
        log: LogBuffer,
        termination: Termination,
    ) -> None:
        self._url, self._assignment, self._settings, self._call, self._failed = url, assignment, settings, call, failed
        self._log, self._termination = log, termination
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
            hidden=tuple(self._settings.hidden),
            protected=self._settings.protects_files(),
            pod=self._settings.pod,
        )

    def report_listening(self, where: dict[str, Any]) -> None:
        """Reports the address at which the engine listens, and opens a tunnel for engines on other machines."""
        try:
            answer = self._call("listening", where)
            if answer.get("tunnel"):
                self._tunnel = connect_worker(
                    control_plane=self._url,
                    url=answer["tunnel"],
                    run_id=self._assignment.run_id,
                    runner_id=self._settings.runner_id,
                    session=self._assignment.session_token,
                    port=where["port"],
                )
                self._tunnel.start()
        except Exception as error:  # noqa: BLE001 - a worker whose address is unknown is of no use
            self._failed(error)

    def close(self) -> None:
        """Closes the relay and the tunnel."""
        for connection in (self._relay, self._tunnel):
            if connection:
                connection.close()
