"""An engine process of the treatment: passes its lines on, and reads the causes of failures from them.

The exit status alone is not enough: it is 0 also if the engine could not launch.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Optional

from ..shared.engine_release import EngineRelease
from ..shared.errors import TreatmentFailed
from ..shared.key_files import KeyFiles
from ..shared.loopback import LOOPBACK, free_port, is_listening
from .distribution import DistributionError, EngineSession, SessionKeys

#: Seconds for an engine to end once its work is done, to listen once it is started, and to explain why it ended.
PATIENCE = 60.0
LISTENING_SECONDS = 30.0
SETTLING_SECONDS = 2.0
_ERROR = re.compile(r"\[\d{4}-\d\d-\d\dT[0-9:.]+Z\] error: (.*)\Z")
_FAULT = re.compile(r"(failure|error): (.*)\Z")
_MOST_QUOTED = 5
#: Exit statuses of an engine that a signal asked to end, since 0.11.0.
_INTERRUPTED = {128 + number: number.name for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)}


class EngineExit(NamedTuple):
    """How an engine ended.

    ``faults`` are the engine's own errors (why it could not load or launch), ``errors`` those that the program logged.
    """

    status: int
    faults: list[str]
    errors: list[str]


class EngineProcess:
    """Started when created. Its output is passed on to this process's own, line by line."""

    def __init__(self, argv: Sequence[str], env: dict[str, str], keys: Optional[KeyFiles] = None) -> None:
        self._keys = keys
        self._process = subprocess.Popen(
            argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self._errors: list[str] = []
        self._faults: list[str] = []
        self._readers = [
            threading.Thread(target=self._pass_on, args=(stream, fd), daemon=True)
            for stream, fd in ((self._process.stdout, 1), (self._process.stderr, 2))
        ]
        for reader in self._readers:
            reader.start()

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def wait(self, seconds: Optional[float] = None) -> EngineExit:
        """Waits until it has ended and its lines are passed on.

        Raises TreatmentFailed if it crashes or takes too long.
        """
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise TreatmentFailed(f"the engine did not end within {seconds:g} s after its work was done") from None
        for reader in self._readers:
            reader.join(PATIENCE)
        ended = EngineExit(status, self._faults, self._errors)
        if status < 0:
            hint = ", as happens if the treatment has too little memory" if status == -signal.SIGKILL else ""
            raise TreatmentFailed(f"the engine was killed by signal {-status}{hint}")
        if status in _INTERRUPTED:
            raise TreatmentFailed(f"the engine was interrupted by {_INTERRUPTED[status]} and ended its work")
        if status not in (0, 1, 2):
            raise TreatmentFailed(f"the engine crashed (exit status {status}): {_last(self._faults)}")
        if status or self._faults:
            raise TreatmentFailed("; ".join(self._faults[:_MOST_QUOTED]) or f"the engine ended with status {status}")
        return ended

    def settle(self) -> None:
        """Waits briefly for the engine to report why it ended, then kills it."""
        try:
            self._process.wait(SETTLING_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        for reader in self._readers:
            reader.join(SETTLING_SECONDS)

    def last_words(self) -> str:
        """Returns the engine's last error, to follow another sentence."""
        status = self._process.poll()
        how = f" (it was killed by signal {-status})" if status is not None and status < 0 else ""
        return how + (f": {_last(self._faults)}" if self._faults else "")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def remove_keys(self) -> None:
        """Removes the files with the engine's keys, which it has read."""
        if self._keys:
            self._keys.remove()

    def _pass_on(self, stream: Any, fd: int) -> None:
        for line in stream:
            os.write(fd, line)
            text = line.decode("utf-8", "replace").rstrip("\n")
            match = _ERROR.match(text) if fd == 1 else None
            if match:
                self._errors.append(match[1])
            elif fd == 2 and (fault := _FAULT.match(text)):
                self._faults.append(fault[2])
            elif fd == 2 and "panicked at" in text:
                self._faults.append(text)


def listen(
    binary: str, env: dict[str, str], release: EngineRelease, arguments: Sequence[str] = ()
) -> "tuple[EngineProcess, int, SessionKeys]":
    """Starts an engine that waits on the loopback interface for a session with the returned keys.

    It sends the events that tell how far inputs are read; its own report has the level that ``arguments`` name.
    """
    port = free_port()
    keys = SessionKeys(uuid.uuid4(), uuid.uuid4(), uuid.UUID(env["MELODIUM_GROUP_ID"]))
    argv = [binary, "dist", "--ip", LOOPBACK, "--port", str(port), "--disable-tls"]
    argv += ["--wait", str(int(LISTENING_SECONDS)), *arguments]
    if release.has_debug_levels and "--debug-level" not in arguments:
        argv += ["--debug-level", "basic"]
    if not release.has_key_files:
        return EngineProcess([*argv, "--recv-key", str(keys.theirs), "--send-key", str(keys.ours)], env), port, keys
    files = KeyFiles(Path(env["MELODIUM_HOME"]) / f"keys-{uuid.uuid4()}", str(keys.theirs), str(keys.ours))
    return EngineProcess([*argv, *files.options], env, files), port, keys


def connect(engine: EngineProcess, port: int, release: EngineRelease) -> EngineSession:
    """Opens the only connection that the engine accepts. Raises TreatmentFailed if it ends or times out before that."""
    give_up = time.monotonic() + LISTENING_SECONDS
    try:
        while not is_listening(port):
            if not engine.running:
                engine.wait()
                raise TreatmentFailed("the engine ended before it listened")
            if time.monotonic() > give_up:
                engine.kill()
                raise TreatmentFailed(f"the engine did not listen within {LISTENING_SECONDS:g} s")
            time.sleep(0.005)
    finally:
        engine.remove_keys()
    return EngineSession(socket.create_connection((LOOPBACK, port)), release)


def version_of(binary: str) -> str:
    """Returns the version of an engine, empty if it prints none."""
    done = subprocess.run([binary, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False)
    return done.stdout.decode("utf-8", "replace").split()[-1] if done.stdout.split() else ""


def _last(lines: list[str]) -> str:
    return lines[-1] if lines else "it gave no reason"


__all__ = ["DistributionError", "EngineExit", "EngineProcess", "connect", "listen", "version_of"]
