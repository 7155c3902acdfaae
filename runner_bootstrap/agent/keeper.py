"""A small process between the agent and the commands: when the agent dies, however it dies, the keeper kills what it started.

It is forked before the agent holds any secret or thread. The agent hands it commands over a socket; the environment
goes the same way, so that it appears nowhere but in the command itself.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Sequence
from typing import Any

from . import processes
from .ending import Deadline
from .errors import AgentError

_LENGTH = struct.Struct("!I")
#: Processes of the sandbox itself: a signal meant for the command must not end them first.
_WRAPPERS = frozenset({"bwrap", "conmon"})
NOT_FOUND = 127
NOT_EXECUTABLE = 126
KILL_SECONDS = 10.0


class Exit:
    """How a command ended: an exit code, or the signal that killed it, and the CPU time it used (seconds)."""

    def __init__(self, exit_code: int | None, number: int | None, cpu_seconds: float, error: str | None) -> None:
        self.exit_code, self.signal, self.cpu_seconds, self.error = exit_code, number, cpu_seconds, error


class Keeper:
    """The agent's end. One command at a time."""

    def __init__(self, pid: int, control: socket.socket) -> None:
        self.pid = pid
        self._control = control

    @classmethod
    def fork(cls) -> Keeper:
        """Start the keeper. Call it before any thread exists."""
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            ours.close()
            status = 1
            try:
                _Kept(theirs).serve()
                status = 0
            finally:
                os._exit(status)
        theirs.close()
        return cls(pid, ours)

    def start(
        self, argv: Sequence[str], env: dict[str, str], cwd: str, stdout: int, stderr: int, cleanup: Sequence[str] = ()
    ) -> None:
        """Start a command with these descriptors; ``cleanup`` is run by the keeper should the agent die meanwhile."""
        spec = {"argv": list(argv), "env": env, "cwd": cwd, "cleanup": list(cleanup)}
        content = bytearray(json.dumps(spec).encode())
        try:
            socket.send_fds(self._control, [_LENGTH.pack(len(content))], [stdout, stderr])
            self._control.sendall(content)
        except OSError as error:
            raise AgentError("the agent's keeper process was killed") from error
        finally:
            content[:] = bytes(len(content))

    def signal(self, number: int) -> None:
        """Send a signal to every process of the running command; nothing happens if it has ended."""
        try:
            self._control.sendall(_LENGTH.pack(0x80000000 | number))
        except OSError as error:
            raise AgentError("the agent's keeper process was killed") from error

    def poll(self, seconds: float) -> Exit | None:
        """The command's end, or None if it has not ended within ``seconds``."""
        if not select.select([self._control], [], [], seconds)[0]:
            return None
        header = _receive(self._control, _LENGTH.size)
        report = _receive(self._control, _LENGTH.unpack(header)[0]) if header else None
        if not report:
            raise AgentError("the agent's keeper process was killed")
        return Exit(**json.loads(report))

    def close(self) -> None:
        """End the keeper and whatever is left of the command."""
        self._control.close()
        os.waitpid(self.pid, 0)


class _Kept:
    """The keeper's end."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._child: subprocess.Popen[bytes] | None = None
        self._cleanup: list[str] = []
        self._wake, self._woken = os.pipe()

    def serve(self) -> None:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        os.set_blocking(self._woken, False)
        signal.set_wakeup_fd(self._woken)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        processes.adopt_orphans()
        processes.hide_from_others()
        devnull = os.open(os.devnull, os.O_RDWR)
        os.dup2(devnull, 0)
        while self._step():
            pass
        self._kill_all()
        if self._cleanup:
            subprocess.run(self._cleanup, stdout=devnull, stderr=devnull, check=False)

    def _step(self) -> bool:
        readable, _, _ = select.select([self._control.fileno(), self._wake], [], [])
        if self._wake in readable:
            os.read(self._wake, 4096)
            self._reap()
        if self._control.fileno() in readable:
            header, descriptors, _, _ = socket.recv_fds(self._control, _LENGTH.size, 2)
            if len(header) < _LENGTH.size:
                return False
            (value,) = _LENGTH.unpack(header)
            if value & 0x80000000:
                self._signal(value & 0x7FFFFFFF)
            else:
                self._start(value, descriptors)
        return True

    def _start(self, length: int, descriptors: list[int]) -> None:
        content = _receive(self._control, length)
        spec: dict[str, Any] = json.loads(content or b"{}")
        self._cleanup = spec["cleanup"]
        try:
            # The descriptors Python makes are not inherited, so there is nothing to close.
            self._child = subprocess.Popen(
                spec["argv"],
                env=spec["env"],
                cwd=spec["cwd"],
                stdin=subprocess.DEVNULL,
                stdout=descriptors[0],
                stderr=descriptors[1],
                close_fds=False,
                restore_signals=True,
                preexec_fn=_prepare_command,
            )
        except OSError as error:
            missing = isinstance(error, FileNotFoundError)
            self._report(NOT_FOUND if missing else NOT_EXECUTABLE, None, 0.0, f"{spec['argv'][0]}: {error.strerror}")
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
            if content:
                content[:] = bytes(len(content))

    def _reap(self) -> None:
        child = self._child
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if child is not None and pid == child.pid:
                self._child = None
                child.returncode = 0
                self._kill_all()
                code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
                number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
                self._cleanup = []
                self._report(code, number, usage.ru_utime + usage.ru_stime, None)

    def _report(self, code: int | None, number: int | None, cpu_seconds: float, error: str | None) -> None:
        report = json.dumps({"exit_code": code, "number": number, "cpu_seconds": cpu_seconds, "error": error}).encode()
        try:
            self._control.sendall(_LENGTH.pack(len(report)) + report)
        except OSError:
            # The agent is gone; the next step notices and ends the keeper.
            return

    def _signal(self, number: int) -> None:
        below = processes.descendants(os.getpid())
        for process in below:
            if process.name not in _WRAPPERS or number == signal.SIGKILL:
                _send(process.pid, number)
        if self._child is not None and not below:
            _send_group(self._child.pid, number)

    def _kill_all(self) -> None:
        """Kill every descendant, and look again until none is left: one may have forked while it was killed."""
        if self._child is not None:
            _send_group(self._child.pid, signal.SIGKILL)
        # A process stuck in the kernel (a dead mount) cannot be helped and must not hold the report back for ever.
        patience = Deadline(KILL_SECONDS)
        while not patience.passed:
            alive = processes.descendants(os.getpid())
            if not alive:
                return
            for process in alive:
                _send(process.pid, signal.SIGKILL)
            _reap_orphans()
            time.sleep(0.002)


def _prepare_command() -> None:
    os.setsid()
    processes.die_with_parent()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)


def _reap_orphans() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _send_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return


def _receive(control: socket.socket, length: int) -> bytearray | None:
    """Exactly ``length`` bytes, or None when the other end is gone."""
    content = bytearray()
    while len(content) < length:
        try:
            part = control.recv(min(length - len(content), 1 << 20))
        except ConnectionError:
            return None
        if not part:
            return None
        content += part
    return content
