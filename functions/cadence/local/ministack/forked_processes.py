"""Starts the processes of Lambdas by forking one that has imported what they import, for MiniStack on Linux.

MiniStack starts an interpreter for each, which spends about a second of computing on imports; with forty Lambdas that
is most of what a short use of a local stack costs.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TextIO

from ministack.core import lambda_runtime

from cadence.local.ministack import fork_server

_SCRIPT = "_worker.py"
"""The name under which MiniStack stores what a process of a Lambda in Python runs."""


class ForkedProcess:
    """A process that is no child of this one, with those members of `subprocess.Popen` that MiniStack uses."""

    def __init__(self, pid: int, streams: tuple[TextIO, TextIO, TextIO]) -> None:
        self.pid = pid
        self.stdin, self.stdout, self.stderr = streams
        self.returncode: int | None = None
        try:
            self._handle: int | None = os.pidfd_open(pid)
        except ProcessLookupError:
            self._handle, self.returncode = None, -1

    def poll(self) -> int | None:
        """Returns None while the process lives, then -1: only its parent gets to know its status."""
        self._look(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Waits for the end of the process. Raises subprocess.TimeoutExpired after `timeout` seconds."""
        self._look(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return self.returncode

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self._handle is not None:
            try:
                signal.pidfd_send_signal(self._handle, number)
            except ProcessLookupError:
                self._look(0)

    def _look(self, seconds: float | None) -> None:
        if self._handle is None:
            return
        ended = select.poll()  # `select.select` knows no descriptors above 1,023, of which a busy MiniStack has many
        ended.register(self._handle, select.POLLIN)
        if ended.poll(None if seconds is None else seconds * 1_000):
            os.close(self._handle)
            self._handle, self.returncode = None, -1


class ForkServer:
    """The process that forks, for one folder of code. It ends with this process."""

    def __init__(self, code: Path) -> None:
        self._turn = threading.Lock()
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-P", fork_server.__file__, str(code), str(theirs.fileno())]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])

    def start(self, script: str, folder: str, environment: Mapping[str, str]) -> ForkedProcess:
        """Starts a process. Raises OSError if the server has ended."""
        request = json.dumps({"script": script, "folder": folder, "environment": dict(environment)}).encode()
        (stdin, to_stdin), (from_stdout, stdout), (from_stderr, stderr) = os.pipe(), os.pipe(), os.pipe()
        streams = os.fdopen(to_stdin, "w", buffering=1), os.fdopen(from_stdout), os.fdopen(from_stderr)
        try:
            with self._turn:
                socket.send_fds(self._requests, [request], [stdin, stdout, stderr])
                answer = self._requests.recv(fork_server.LARGEST_REQUEST)
            if not answer:
                raise BrokenPipeError("the process that starts those of Lambdas has ended")
        except OSError:
            for stream in streams:
                stream.close()
            raise
        finally:
            for descriptor in (stdin, stdout, stderr):
                os.close(descriptor)
        return ForkedProcess(int(answer), streams)

    def close(self) -> None:
        self._requests.close()
        self.process.kill()
        self.process.wait()


class ForkedProcesses:
    """The fork servers of a MiniStack, by the folder of the code."""

    def __init__(self) -> None:
        self._servers: dict[Path, ForkServer] = {}
        self._turn = threading.Lock()

    def popen(self, command: Sequence[str], **options: Any) -> "ForkedProcess | subprocess.Popen[str]":
        """Starts a process like `subprocess.Popen`; that of a Lambda in Python is forked."""
        if command[0] != sys.executable or Path(command[-1]).name != _SCRIPT:
            return subprocess.Popen(command, **options)
        folder = options["cwd"]
        return self._server(Path(folder).resolve()).start(command[-1], folder, options["env"])

    def close(self) -> None:
        with self._turn:
            for server in self._servers.values():
                server.close()
            self._servers.clear()

    def _server(self, code: Path) -> ForkServer:
        with self._turn:
            known = self._servers.get(code)
            if known is not None and known.process.poll() is not None:
                known.close()
                known = None
            if known is None:
                known = self._servers[code] = ForkServer(code)
            return known


def install() -> ForkedProcesses:
    """Lets MiniStack start processes in this way where the system can; the caller closes it at the end."""
    forked = ForkedProcesses()
    if sys.platform == "linux":
        runtime: Any = lambda_runtime
        runtime.subprocess = SimpleNamespace(**{**vars(subprocess), "Popen": forked.popen})
    return forked
