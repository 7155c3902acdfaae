"""Identifies processes so that only those of the stack are ended: by id and start time, or by a mark."""

import os
import signal
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MARK = "CADENCE_LOCAL_STACK"
"""The environment variable that every process of a stack inherits; its value is the id of the stack."""

_PROC = Path("/proc")


@dataclass(frozen=True)
class ProcessIdentity:
    """A process id with its start time, since the system reuses ids."""

    name: str
    pid: int
    started: str

    @classmethod
    def of(cls, name: str, pid: int) -> "ProcessIdentity":
        return cls(name, pid, start_time(pid) or "gone")

    def is_alive(self) -> bool:
        return start_time(self.pid) == self.started


def start_time(pid: int) -> str | None:
    """The start time of a process in the format of the system, or None if it has ended or is a zombie."""
    if _PROC.is_dir():
        try:
            fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] in "ZX" else fields[19]
    answer = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S607
    state, _, started = answer.stdout.strip().partition(" ")
    return started.strip() if started and not state.startswith("Z") else None


def marked(stack_id: str) -> list[ProcessIdentity]:
    """The other processes of this user that carry the mark of the stack (on Linux; empty elsewhere)."""
    wanted = f"{MARK}={stack_id}".encode()
    found = []
    for folder in _PROC.glob("[0-9]*"):
        pid = int(folder.name)
        with suppress(OSError):  # of another user, or ended meanwhile
            if pid != os.getpid() and wanted in (folder / "environ").read_bytes().split(b"\0"):
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                found.append(ProcessIdentity.of(command[:80], pid))
    return [process for process in found if process.is_alive()]


def end(processes: Iterable[ProcessIdentity], grace: float) -> list[ProcessIdentity]:
    """Terminates the processes, waits up to `grace` seconds for all, then kills the rest; returns those that were
    alive.
    """
    alive = [process for process in processes if process.is_alive()]
    ended = alive
    for kind, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, 5.0)):
        for process in alive:
            with suppress(ProcessLookupError):
                os.kill(process.pid, kind)
        deadline = time.monotonic() + patience
        while (alive := [process for process in alive if process.is_alive()]) and time.monotonic() < deadline:
            time.sleep(0.02)
        if not alive:
            break
    return ended
