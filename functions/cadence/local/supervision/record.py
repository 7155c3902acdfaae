"""The record of a stack: which supervisor holds it and which processes belong to it, even after a kill."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from cadence.local.shared.errors import AlreadyRunning
from cadence.local.shared.files import read_json, write_private_json
from cadence.local.shared.paths import StackPaths
from cadence.local.supervision import processes
from cadence.local.supervision.processes import ProcessIdentity

_POLL_SECONDS = 0.05
Phase = Literal["starting", "serving", "stopping"]


@dataclass
class StackRecord:
    """The content of `stack.json`.

    `id` marks every process of this start; the supervisor is the first of `processes`.
    """

    id: str
    phase: Phase
    processes: list[ProcessIdentity] = field(default_factory=list)

    @property
    def supervisor(self) -> ProcessIdentity:
        return self.processes[0]

    def write(self, paths: StackPaths) -> None:
        write_private_json(paths.record, asdict(self))


def read_record(paths: StackPaths) -> StackRecord | None:
    """The record of the folder, or None if there is none that can be read."""
    content: dict[str, Any] | None = read_json(paths.record)
    if content is None:
        return None
    try:
        known = [ProcessIdentity(**process) for process in content["processes"]]
        return StackRecord(content["id"], content["phase"], known) if known else None
    except (KeyError, TypeError):
        return None


@contextmanager
def held(paths: StackPaths, patience: float = 0.0) -> Iterator[None]:
    """Holds the stack of the folder until the block or this process ends. Raises AlreadyRunning after `patience`
    seconds.

    The system releases the lock of a killed process a moment after the kill.
    """
    descriptor = os.open(paths.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + patience
        while not _locked(descriptor):
            if time.monotonic() >= deadline:
                raise AlreadyRunning(f"A stack is already running in {paths.home.parent}.")
            time.sleep(_POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_held(paths: StackPaths) -> bool:
    """Whether a supervisor holds the stack of this folder, in any phase."""
    if not paths.lock.exists():
        return False
    try:
        with held(paths):
            return False
    except AlreadyRunning:
        return True


def clear_leftovers(paths: StackPaths, grace: float) -> list[ProcessIdentity] | None:
    """Ends the processes that a killed supervisor left and removes its files; the stack must be held.

    Returns the processes that were ended, or None if the last stack left nothing.
    """
    record = read_record(paths)
    if record is None and not paths.record.exists() and not paths.connection.exists():
        return None
    left = []
    if record is not None:
        # MiniStack first, so that it can save its state; the processes that it started end with it or right after.
        left += processes.end(record.processes[1:], grace)
        left += processes.end(processes.marked(record.id), 2.0)
    paths.connection.unlink(missing_ok=True)
    paths.record.unlink(missing_ok=True)
    return left
