"""The shells that users have opened beside a treatment's command, as answers to heartbeats name them."""

from __future__ import annotations

import socket
import threading
from typing import Any, Callable, Optional, Protocol

from ..execution.sandbox import LaunchSpec
from ..execution.supervisor import CommandSupervisor
from ..logs.buffer import LogBuffer
from .session import ENDED, ShellSession

#: Seconds for which the last words of shells may travel after the command has ended.
DRAIN_SECONDS = 3.0
#: Starts bash where there is one.
SHELL = ["sh", "-c", "if command -v bash >/dev/null 2>&1; then exec bash --norc -i; else exec sh -i; fi"]
REVOKED = "its user may no longer open a shell here"


class ShellTunnel(Protocol):
    """The runner's end of a shell's tunnel."""

    def start(self) -> None:
        """Connects it."""

    def drain(self, seconds: float) -> None:
        """Waits until the other end has everything."""

    def close(self) -> None:
        """Closes it."""


#: Returns the tunnel of a shell from its id, the tunnel's address, and what opens a connection when its user comes.
ConnectShell = Callable[[str, str, Callable[[], socket.socket]], ShellTunnel]


class Shells:
    """Opens a tunnel for each shell that is wanted, and ends shells whose users have lost the right."""

    def __init__(self, supervisor: CommandSupervisor, log: LogBuffer, connect: ConnectShell) -> None:
        self._supervisor, self._log, self._connect = supervisor, log, connect
        self._lock = threading.Lock()
        self._launch: Optional[Callable[[str], LaunchSpec]] = None
        self._tunnels: dict[str, ShellTunnel] = {}
        self._sessions: dict[str, list[ShellSession]] = {}

    def allow(self, launch: Callable[[str], LaunchSpec]) -> None:
        """Allows shells from now on. ``launch`` returns how to start one for a type of terminal."""
        with self._lock:
            self._launch = launch

    def update(self, answer: dict[str, Any]) -> None:
        """Opens and ends shells as the answer to a heartbeat says."""
        wanted = {str(one["id"]): str(one["by"]) for one in answer.get("shells") or ()}
        with self._lock:
            if self._launch is None:
                return
            new = [one for one in wanted if one not in self._tunnels]
            for shell in new:
                self._tunnels[shell] = self._connect(shell, answer["tunnel"], self._opener(shell, wanted[shell]))
                self._tunnels[shell].start()
            lost = [one for name, sessions in self._sessions.items() if name not in wanted for one in sessions]
        for session in lost:
            session.end(REVOKED)

    def close(self) -> None:
        """Ends all shells, and gives their last words a moment to arrive."""
        with self._lock:
            self._launch = None
            tunnels = list(self._tunnels.values())
            sessions = [one for some in self._sessions.values() for one in some]
        for session in sessions:
            session.end(ENDED)
        for session in sessions:
            session.join(DRAIN_SECONDS)
        for tunnel in tunnels:
            if sessions:
                tunnel.drain(DRAIN_SECONDS)
            tunnel.close()

    def _opener(self, shell: str, by: str) -> Callable[[], socket.socket]:
        def target() -> socket.socket:
            with self._lock:
                launch = self._launch
                if launch is None:
                    raise OSError(ENDED)
                ours, theirs = socket.socketpair()
                session = ShellSession(ours, launch, self._supervisor, self._log.masker, lambda: self._ended(by))
                self._sessions.setdefault(shell, []).append(session)
            self._log.say(f"{by} has opened a shell in this workspace: what follows may not be repeatable", "warning")
            session.start()
            return theirs

        return target

    def _ended(self, by: str) -> None:
        self._log.say(f"the shell of {by} has ended")
