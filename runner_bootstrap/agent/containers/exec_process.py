"""The process that is started on this machine for an engine's command."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import NamedTuple, Optional, Tuple

from ..execution.sandbox_status import SandboxStatus
from ..shared.errors import AgentError

# Linux counts in KiB, macOS in bytes.
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


class SpawnSpec(NamedTuple):
    """The process to start on this machine for a command.

    ``sandbox_at`` is the position of bubblewrap in ``argv``, unless the sandbox may lack the command's program.
    """

    argv: list[str]
    env: dict[str, str]
    cwd: str
    sandbox_at: Optional[int] = None


class CommandUsage(NamedTuple):
    """CPU time and the most memory at once, in bytes; of the whole container if the command runs in one."""

    cpu_seconds: float
    memory_peak: int


CommandEnd = Tuple[Optional[int], Optional[int], CommandUsage]
"""The exit code or the signal that killed it, and the usage of the process started for it."""


def start(
    status: SandboxStatus, spawn: SpawnSpec, interactive: bool, descriptors: Sequence[int]
) -> "subprocess.Popen[bytes]":
    """Starts a command in its sandbox, if it has one. Raises AgentError."""
    try:
        return subprocess.Popen(
            status.argv,
            env=spawn.env,
            cwd=spawn.cwd,
            stdin=descriptors[0] if interactive else subprocess.DEVNULL,
            stdout=descriptors[1],
            stderr=descriptors[2],
            # Inherited descriptors of other commands would keep their streams open.
            close_fds=True,
            pass_fds=status.inherited,
            start_new_session=True,
        )
    except OSError as error:
        status.take()
        raise AgentError(f"{spawn.argv[0]} cannot be started: {error.strerror}") from error
    finally:
        status.started()


class ProcessWaiter(threading.Thread):
    """Waits for a process; ``descriptor`` becomes readable once it has ended."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        super().__init__(name="exec-end", daemon=True)
        self.process = process
        self.descriptor, self._writer = os.pipe()
        self.done: CommandEnd = (None, None, CommandUsage(0.0, 0))

    def run(self) -> None:
        _, status, used = os.wait4(self.process.pid, 0)
        self.process.returncode = 0  # Popen must not wait for it again
        code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        self.done = (code, number, CommandUsage(used.ru_utime + used.ru_stime, used.ru_maxrss * _MAXRSS_UNIT))
        os.close(self._writer)


def wait_for_either(connection: socket.socket, waiting: ProcessWaiter) -> bool:
    """Waits for the end of the command or of the shim; returns true if the shim ended first."""
    try:
        readable, _, _ = select.select([connection.fileno(), waiting.descriptor], [], [])
        return waiting.descriptor not in readable
    finally:
        os.close(waiting.descriptor)
