"""What is between an engine on this machine and others: its relay, and the tunnel to whoever asked for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

from ..assignments.assignment import Assignment
from ..execution.workspace import Workspace
from ..logs.buffer import LogBuffer
from ..melodium.worker_engine import Surroundings
from ..shared.termination import Ending
from ..tunnels.relay import Relay, worker_end
from ..tunnels.tunnel import Tunnel
from .settings import Site

Ask = Callable[[str, "dict[str, Any]"], "dict[str, Any]"]


class EngineWays:
    """``ask`` calls the gateway as this runner; ``around`` are its log, its ending and the directories that an engine must not see."""

    def __init__(
        self,
        url: str,
        assignment: Assignment,
        site: Site,
        ask: Ask,
        failed: Callable[[Exception], None],
        around: tuple[LogBuffer, Ending, tuple[Path, ...]],
    ) -> None:
        self._url, self._assignment, self._site, self._ask, self._failed = url, assignment, site, ask, failed
        self._log, self._ending, self._hidden = around
        self._relay: Relay | None = None
        self._tunnel: Tunnel | None = None

    def around(self, workspace: Workspace) -> Surroundings:
        self._relay = Relay(self._url)
        return Surroundings(workspace, self._url, self._log, self._ending, self._relay, self._hidden, self._site.pod)

    def tell_listening(self, where: dict[str, Any]) -> None:
        """Tells where the engine listens, and makes a way to there for engines on other machines."""
        try:
            answer = self._ask("listening", where)
            if answer.get("tunnel"):
                its, port = self._assignment, where["port"]
                site = (its.run_id, self._site.runner_id, its.session_token)
                self._tunnel = worker_end(self._url, answer["tunnel"], *site, port)
                self._tunnel.start()
        except Exception as error:  # noqa: BLE001 - a worker that nobody hears of is of no use
            self._failed(error)

    def close(self) -> None:
        for each in (self._relay, self._tunnel):
            if each:
                each.close()
