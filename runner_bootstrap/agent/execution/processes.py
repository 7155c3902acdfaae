"""Process trees as ``/proc`` shows them. On other systems than Linux every answer is empty."""

from __future__ import annotations

import ctypes
import os
import signal
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")
#: More than the kernel writes about one process.
_STATUS_BYTES = 4096
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36


class ProcessStatus(NamedTuple):
    """One process: CPU ticks used by it and its finished children, resident pages."""

    pid: int
    parent: int
    name: str
    ticks: int
    pages: int


def _prctl(option: int, value: int) -> None:
    if _PROC.is_dir():
        ctypes.CDLL(None, use_errno=True).prctl(option, ctypes.c_ulong(value), 0, 0, 0)


def adopt_orphans() -> None:
    """Makes this process the parent of orphaned descendants, so that none escapes."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """Lets the kernel kill this process when the thread that started it ends."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def hide_from_others() -> None:
    """Denies other processes of the same user access to this process's memory and environment."""
    _prctl(_PR_SET_DUMPABLE, 0)


def descendants(root: int) -> list[ProcessStatus]:
    """Returns all processes below ``root``, parents before children. It looks at all processes of the machine."""
    try:
        pids = [int(entry) for entry in os.listdir(_PROC) if entry.isdigit()]
    except OSError:
        return []
    children: dict[int, list[tuple[int, bytes]]] = {}
    for pid in pids:
        status = _read_status(pid)
        if status:
            parent = int(status[status.rindex(b")") + 4 :].split(None, 1)[0])
            children.setdefault(parent, []).append((pid, status))
    tree: list[ProcessStatus] = []
    level = children.get(root, [])
    while level:
        tree += [_parsed(pid, status) for pid, status in level]
        level = [child for pid, _ in level for child in children.get(pid, [])]
    return tree


def _read_status(pid: int) -> bytes:
    """Returns the text of ``/proc/PID/stat``; empty if the process has ended."""
    try:
        descriptor = os.open(f"{_PROC}/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(descriptor, _STATUS_BYTES)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _parsed(pid: int, status: bytes) -> ProcessStatus:
    before, _, after = status.decode("utf-8", "replace").rpartition(")")
    fields = after.split()
    return ProcessStatus(
        pid=pid,
        parent=int(fields[1]),
        name=before.partition("(")[2],
        ticks=sum(int(field) for field in fields[11:15]),
        pages=int(fields[21]),
    )


def has_children() -> bool:
    """Returns whether this process has children, ended ones included. One that adopts orphans and has none has no
    descendants either.
    """
    if not _PROC.is_dir():
        return False
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def input_output(pid: int) -> dict[str, int]:
    """Returns ``read_bytes`` and ``write_bytes`` of a process and its finished children; empty if access is denied."""
    try:
        lines = (_PROC / str(pid) / "io").read_text().splitlines()
    except OSError:
        return {}
    return {name: int(value) for name, _, value in (line.partition(": ") for line in lines)}
