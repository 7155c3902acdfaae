"""Process trees as ``/proc`` shows them. On other systems than Linux every answer is empty."""

from __future__ import annotations

import ctypes
import signal
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")
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


def read(pid: int) -> ProcessStatus | None:
    """Returns the process, or None if it has ended."""
    try:
        text = (_PROC / str(pid) / "stat").read_text("utf-8", "replace")
    except OSError:
        return None
    name = text[text.index("(") + 1 : text.rindex(")")]
    fields = text[text.rindex(")") + 2 :].split()
    return ProcessStatus(
        pid=pid,
        parent=int(fields[1]),
        name=name,
        ticks=sum(int(field) for field in fields[11:15]),
        pages=int(fields[21]),
    )


def descendants(root: int) -> list[ProcessStatus]:
    """Returns all processes below ``root``, parents before children."""
    children: dict[int, list[ProcessStatus]] = {}
    if not _PROC.is_dir():
        return []
    for entry in _PROC.iterdir():
        process = read(int(entry.name)) if entry.name.isdigit() else None
        if process:
            children.setdefault(process.parent, []).append(process)
    tree: list[ProcessStatus] = []
    level = children.get(root, [])
    while level:
        tree += level
        level = [child for process in level for child in children.get(process.pid, [])]
    return tree


def input_output(pid: int) -> dict[str, int]:
    """Returns ``read_bytes`` and ``write_bytes`` of a process and its finished children; empty if access is denied."""
    try:
        lines = (_PROC / str(pid) / "io").read_text().splitlines()
    except OSError:
        return {}
    return {name: int(value) for name, _, value in (line.partition(": ") for line in lines)}
