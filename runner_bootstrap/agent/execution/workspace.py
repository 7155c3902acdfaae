"""The private directory that one assignment works in."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from ..beneath.held_directory import HeldDirectory, write_all
from ..beneath.removal import remove_tree
from ..shared.errors import AgentError

PREFIX = "cadence-"
_LOCK = "lock"
#: Age from which an empty directory without a lock is removed.
ABANDONED_SECONDS = 60


class LockedDirectory:
    """A new directory, locked while in use: ``sweep`` removes those that killed agents left. Raises OSError."""

    def __init__(self, parent: Path, name: str) -> None:
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{name}-", dir=parent)).resolve()
        self._lock = os.open(self.path / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        """Deletes everything in it, including what a command made unwritable."""
        remove_tree(self.path, last=_LOCK)
        os.close(self._lock)


class Workspace:
    """A directory for one assignment, locked while in use.

    Holds ``work`` (the command's directory), ``tmp``, ``in``, ``out`` and the agent's own files. Paths are for
    commands; the agent itself reads and writes through the ``held`` directories, which are open before any command
    runs. Raises AgentError if it cannot be created.
    """

    def __init__(self, parent: Path, name: str) -> None:
        try:
            self._directory = LockedDirectory(parent, name)
            self.root = self._directory.path
            for directory in (self.work, self.tmp, self.inputs, self.outputs):
                directory.mkdir(mode=0o700)
            self.held_root, self.held_work = HeldDirectory(self.root), HeldDirectory(self.work)
            self.held_tmp = HeldDirectory(self.tmp)
            self.held_inputs, self.held_outputs = HeldDirectory(self.inputs), HeldDirectory(self.outputs)
        except OSError as error:
            raise AgentError(f"the workspace cannot be created in {parent}: {error.strerror}") from error

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def tmp(self) -> Path:
        return self.root / "tmp"

    @property
    def inputs(self) -> Path:
        return self.root / "in"

    @property
    def outputs(self) -> Path:
        return self.root / "out"

    def write(self, name: str, content: str) -> Path:
        """Writes one of the agent's own files (mode 0600) and returns its path. Raises AgentError."""
        path = self.root / name
        try:
            with self.held_root.create_file(name) as file:
                write_all(file, content.encode("utf-8", "surrogatepass"))
        except OSError as error:
            raise AgentError(f"{name} cannot be written in the workspace: {error.strerror}") from error
        return path

    def require_space(self, megabytes: int) -> None:
        """Raises AgentError if the disk has less than ``megabytes`` MB free."""
        free = free_megabytes(self.root)
        if free < megabytes:
            raise AgentError(
                f"the treatment asks for {megabytes} MB of storage, "
                f"but the disk of {self.root.parent} has {free} MB free"
            )

    def remove(self) -> None:
        """Deletes everything."""
        for held in (self.held_root, self.held_work, self.held_tmp, self.held_inputs, self.held_outputs):
            held.close()
        self._directory.remove()


def free_megabytes(directory: Path) -> int:
    return shutil.disk_usage(directory).free // 1_000_000


def sweep(parent: Path) -> Iterable[Path]:
    """Deletes the workspaces that killed agents left in ``parent`` and yields the path of each.

    Workspaces in use are locked and stay.
    """
    for root in sorted(parent.glob(f"{PREFIX}*")):
        try:
            lock = os.open(root / _LOCK, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            # It is being made or removed, or its agent was killed at that: then it is empty.
            with contextlib.suppress(OSError):
                if root.lstat().st_mtime < time.time() - ABANDONED_SECONDS:
                    root.rmdir()
                    yield root
            continue
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            remove_tree(root, last=_LOCK)
            yield root
        finally:
            os.close(lock)
