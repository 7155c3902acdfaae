"""The process that a host's runners are forked from: one thread, with every module loaded.

Starting a Python program takes a tenth of a second of processor time; a fork takes a hundredth of that.
"""

from __future__ import annotations

import os
import select
import signal
import socket
from collections.abc import Callable, Sequence

from ..execution import process_messages
from ..shared.errors import AgentError

Main = Callable[[Sequence[str]], int]


class ForkServer:
    """The host's side. A runner process is identified by its runner id."""

    def __init__(self, main: Main) -> None:
        """Forks the fork server; call it before any thread exists. ``main`` runs a runner with its arguments."""
        self._pid, self._control = process_messages.fork(lambda end: _serve(end, main))

    def start(self, name: str, arguments: Sequence[str], stdin: int) -> None:
        """Forks a runner process with this standard input. Raises AgentError if the fork server has ended."""
        self._send({"start": name, "arguments": list(arguments)}, [stdin])

    def signal(self, name: str, number: int) -> None:
        """Sends a signal to a runner process; does nothing if it has ended."""
        self._send({"signal": number, "name": name})

    def next_ended(self) -> tuple[str, bool] | None:
        """Waits for a runner process to end; returns its name and whether it ended by itself and well.

        Returns None if the fork server has ended.
        """
        message = process_messages.receive(self._control)
        return (message.content["ended"], message.content["status"] == 0) if message else None

    def _send(self, content: dict[str, object], descriptors: Sequence[int] = ()) -> None:
        try:
            process_messages.send(self._control, content, descriptors)
        except OSError as error:
            raise AgentError("the process that starts runners was killed") from error


def _serve(end: socket.socket, main: Main) -> None:
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    names: dict[int, str] = {}
    while True:
        readable, _, _ = select.select([end.fileno(), wake], [], [])
        if wake in readable:
            os.read(wake, 4096)
            for name, status in _reap(names):
                process_messages.send(end, {"ended": name, "status": status})
        if end.fileno() in readable:
            message = process_messages.receive(end)
            if message is None:
                return
            if message.descriptors:
                (stdin,) = message.descriptors
                names[_fork_runner(stdin, end, main, message.content["arguments"])] = message.content["start"]
                os.close(stdin)
            for pid in [pid for pid, name in names.items() if name == message.content.get("name")]:
                os.kill(pid, message.content["signal"])


def _reap(names: dict[int, str]) -> list[tuple[str, int]]:
    """Returns the names and statuses (0: exit code 0) of the processes that have ended."""
    ended = []
    while names:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            break
        ended.append((names.pop(pid), status))
    return ended


def _fork_runner(stdin: int, end: socket.socket, main: Main, arguments: Sequence[str]) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        end.close()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        os.dup2(stdin, 0)
        os.close(stdin)
        status = main(arguments)
    finally:
        os._exit(status)
