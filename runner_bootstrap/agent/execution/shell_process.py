"""The processes of interactive shells, as the supervisor starts them beside its command."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import json
import os
import signal
import subprocess
import termios
from collections.abc import Sequence
from typing import Any, Optional

from . import cgroups, processes
from .sandbox import LaunchSpec


class ShellProcesses:
    """Shells by process id, each with the descriptor to which its exit is written."""

    def __init__(self) -> None:
        self._statuses: dict[int, int] = {}

    def start(self, content: dict[str, Any], descriptors: Sequence[int], allowed: bool) -> None:
        """Starts a shell on a terminal if that is ``allowed``; else its status ends without a word."""
        terminal, status = descriptors
        try:
            if allowed:
                self._statuses[_start(LaunchSpec(**content), terminal)] = status
                return
        except (OSError, subprocess.SubprocessError) as error:
            _report(status, None, str(error))
        finally:
            os.close(terminal)
        os.close(status)

    def note_exit(self, pid: int, status: int) -> None:
        """Reports the exit of a process if it is a shell."""
        descriptor = self._statuses.pop(pid, None)
        if descriptor is not None:
            _report(descriptor, status, None)
            os.close(descriptor)

    def note_killed(self) -> None:
        """Ends the statuses of all shells without a word: they were killed."""
        for descriptor in self._statuses.values():
            os.close(descriptor)
        self._statuses.clear()


def _start(launch: LaunchSpec, terminal: int) -> int:
    shell = subprocess.Popen(
        launch.argv,
        env=launch.env,
        cwd=launch.cwd,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        close_fds=False,
        # The supervisor has one thread, so what runs between fork and exec is safe.
        preexec_fn=functools.partial(_prepare, list(launch.groups)),
    )
    # The supervisor waits for all of its children itself.
    shell.returncode = 0
    return shell.pid


def _report(descriptor: int, status: Optional[int], error: Optional[str]) -> None:
    exit_code = None
    if status is not None:
        exit_code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
    with contextlib.suppress(OSError):  # its user may have gone
        os.write(descriptor, json.dumps({"exit_code": exit_code, "error": error and error[:500]}).encode())


def _prepare(groups: list[str]) -> None:
    cgroups.join(groups)
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    processes.die_with_parent()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
