"""Executes the commands that a Mélodium engine passes to its container engine, in containers or in a sandbox.

The engine starts the shim, which sends its streams to the agent over a socket. So the engine itself may run in a
sandbox, the agent records every command with its exit, and a command ends when its shim ends.
"""

from __future__ import annotations

import array
import json
import os
import re
import shlex
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Optional, Protocol

from ..execution import processes
from ..execution.sandbox_status import SETUPS, SandboxStatus
from ..execution.supervisor import NOT_EXECUTABLE, NOT_FOUND
from ..logs.buffer import LogBuffer
from ..logs.masking import MASK
from ..shared.clock import timestamp
from ..shared.errors import AgentError
from .exec_process import CommandEnd, CommandUsage, ProcessWaiter, SpawnSpec, start, wait_for_either
from .exec_request import ExecRequest, parse

MARK = "CADENCE_EXEC"
LONGEST_REQUEST = 16 << 20
_LENGTH = struct.Struct("!I")
_SECRET_NAME = re.compile(r"token|secret|passw|credential|key\b|_key|auth", re.IGNORECASE)


class ExecTarget(Protocol):
    """Executes commands in containers or in place of them."""

    def spawn(self, request: ExecRequest, marker: str) -> SpawnSpec:
        """Returns what to start now; it has ``marker`` in its environment.

        Raises AgentError if the container does not exist.
        """

    def value(self, container: str, variable: str) -> str:
        """Returns the value of a container's variable, empty if it is not set."""

    def usage(self, container: str) -> Optional[CommandUsage]:
        """Returns the container's usage; None if that of the started process counts."""

    def kill(self, container: str, marker: str) -> None:
        """Ends processes of a command that outlive the process started for it."""


class ExecServer:
    """``entrypoint`` is the program that the engine starts instead of a container engine; ``python`` runs it."""

    def __init__(self, root: Path, target: ExecTarget, log: LogBuffer, python: str = sys.executable) -> None:
        self._target, self._log = target, log
        self._socket_path = root / "exec.sock"
        shim = root / "exec_shim.py"
        shim.write_text(_shim_source())
        self.entrypoint = root / "exec"
        argv = [python, "-IS", str(shim), str(self._socket_path)]
        self.entrypoint.write_text(f'#!/bin/sh\nexec {shlex.join(argv)} "$@"\n')
        self.entrypoint.chmod(0o700)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._running = 0

    def start(self) -> None:
        # The address of a socket is limited to about 100 bytes, and the path of a workspace may be longer.
        folder = os.open(self._socket_path.parent, os.O_PATH)
        try:
            self._listener.bind(f"/proc/self/fd/{folder}/{self._socket_path.name}")
        finally:
            os.close(folder)
        self._socket_path.chmod(0o600)
        self._listener.listen(128)
        threading.Thread(target=self._accept, name="executor", daemon=True).start()

    def stop(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), name="exec", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        descriptors: list[int] = []
        with connection:
            try:
                content, descriptors = _receive(connection)
                request = parse(content["arguments"], content["environment"])
                answer = self._execute(request, connection, descriptors)
            except AgentError as error:
                self._log.say(str(error), "warning")
                answer = {"exit_code": NOT_EXECUTABLE, "problem": str(error)}
            except OSError as error:
                answer = {"exit_code": NOT_EXECUTABLE, "problem": f"the agent could not run it: {error}"}
            finally:
                for descriptor in descriptors:
                    os.close(descriptor)
            try:
                connection.sendall(json.dumps(answer).encode())
            except OSError:
                return

    def _execute(self, request: ExecRequest, connection: socket.socket, descriptors: Sequence[int]) -> dict[str, Any]:
        if len(descriptors) != 3:
            raise AgentError("a command came without its three streams")
        if request.variable:
            # A container engine would print `$NAME`, since there is no shell; the Mélodium engine expects the value.
            os.write(descriptors[1], self._target.value(request.container, request.variable).encode())
            return {"exit_code": 0}
        marker = f"{os.getpid()}-{id(connection):x}-{time.monotonic_ns()}"
        before = self._target.usage(request.container)
        started_at, started = timestamp(), time.monotonic()
        (code, number, own), abandoned = self._run(request, marker, connection, descriptors)
        after = self._target.usage(request.container)
        used = (
            own
            if after is None
            else CommandUsage(after.cpu_seconds - (before.cpu_seconds if before else 0), after.memory_peak)
        )
        record = {
            "container": request.container,
            "command": request.command,
            "env": {name: _shown(name, value, request.secrets) for name, value in request.env.items()},
            "workdir": request.workdir,
            "exit_code": code,
            "signal": number,
            "abandoned": abandoned,
            "started_at": started_at,
            "duration_ms": int((time.monotonic() - started) * 1000),
            "cpu_ms": int(used.cpu_seconds * 1000),
            "memory_peak": used.memory_peak,
        }
        self._log_execution(record)
        return {"exit_code": code if code is not None else 128 + (number or 0)}

    def _run(
        self, request: ExecRequest, marker: str, connection: socket.socket, descriptors: Sequence[int]
    ) -> tuple[CommandEnd, bool]:
        """Returns how the command ended, and whether its caller ended first. Raises AgentError if it cannot start."""
        for left in reversed(range(SETUPS)):
            spawn = self._target.spawn(request, marker)
            status = SandboxStatus(spawn.argv, spawn.sandbox_at)
            waiting = ProcessWaiter(start(status, spawn, request.interactive, descriptors))
            waiting.start()
            abandoned = wait_for_either(connection, waiting)
            if abandoned:
                self._take_down(waiting.process, request, marker)
            waiting.join()
            if status.take() or abandoned:
                return waiting.done, abandoned
            if left:
                self._log.say(f"{request.container}: the sandbox could not be set up; it is set up again", "warning")
        raise AgentError(f"the sandbox of {request.command[0]} could not be set up {SETUPS} times")

    def _take_down(self, process: "subprocess.Popen[bytes]", request: ExecRequest, marker: str) -> None:
        for child in reversed(processes.descendants(process.pid)):
            _kill(child.pid)
        _kill(process.pid)
        self._target.kill(request.container, marker)

    def _log_execution(self, record: Mapping[str, Any]) -> None:
        """Logs a line for users, and one with the whole record for programs."""
        code, number = record["exit_code"], record["signal"]
        end = f"ended with {code}" if code is not None else f"was killed by signal {number}"
        if record["abandoned"]:
            end = "was ended, since its caller has ended"
        used = f"{record['cpu_ms'] / 1000:g} s of CPU, {record['memory_peak'] // 1_000_000} MB"
        self._log.say(
            f"{record['container']}: {shlex.join(record['command'])} {end} after {record['duration_ms'] / 1000:g} s ({used})",
            "info" if code == 0 else "warning",
        )
        self._log.say(json.dumps({"executed": record}, ensure_ascii=False), "debug")


def _receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Returns the shim's arguments with the variables that they name, and its streams, which the caller closes.

    Raises AgentError, OSError.
    """
    header, descriptors, _, _ = socket.recv_fds(connection, _LENGTH.size, 3)
    if len(header) < _LENGTH.size:
        raise AgentError("the process that asked for a command has ended")
    remaining = _LENGTH.unpack(header)[0]
    if remaining > LONGEST_REQUEST:
        raise AgentError("the command is too long")
    text = bytearray()
    while len(text) < remaining:
        piece = connection.recv(remaining - len(text))
        if not piece:
            raise AgentError("the process that asked for a command has ended")
        text += piece
    return json.loads(text), array.array("i", descriptors).tolist()


def _kill(pid: int) -> None:
    try:
        os.kill(pid, 9)
    except ProcessLookupError:
        return


def _shown(name: str, value: str, secrets: Collection[str]) -> str:
    return MASK if name in secrets or _SECRET_NAME.search(name) else value


def _shim_source() -> str:
    """Returns the shim's source, which may be inside of the agent's archive."""
    from . import exec_shim

    loader = exec_shim.__loader__
    source: Optional[str] = loader.get_source(exec_shim.__name__) if loader else None  # type: ignore[attr-defined]
    if source is None:
        raise AgentError("the agent lacks its own shim")
    return source


def missing_container(name: str) -> AgentError:
    return AgentError(f"there is no container {name}")


__all__ = ["NOT_EXECUTABLE", "NOT_FOUND", "CommandUsage", "ExecServer", "ExecTarget", "SpawnSpec", "missing_container"]
