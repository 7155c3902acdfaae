"""Overwrites secrets in command lines, which every user of a machine can read: engines accept keys only there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..execution import processes

_PROC = Path("/proc")
# Fields of /proc/<pid>/stat, counted from the end of the name: where the arguments begin and end in memory.
_ARGUMENTS = slice(45, 47)


def hide(root: int, secrets: Sequence[str]) -> int:
    """Overwrites the secrets in the command lines of all processes below ``root`` that have read theirs.

    Returns the number of processes changed. A process that the kernel protects (another user's) is not changed.
    """
    encoded = [secret.encode() for secret in secrets if secret]
    return sum(_hide(process.pid, encoded) for process in processes.descendants(root)) if encoded else 0


def _hide(pid: int, secrets: Sequence[bytes]) -> bool:
    try:
        text = (_PROC / str(pid) / "stat").read_text("utf-8", "replace")
        start, end = (int(field) for field in text[text.rindex(")") + 2 :].split()[_ARGUMENTS])
        with (_PROC / str(pid) / "mem").open("r+b", buffering=0) as memory:
            memory.seek(start)
            written = memory.read(end - start)
            hidden = written
            for secret in secrets:
                hidden = hidden.replace(secret, b"*" * len(secret))
            if hidden == written:
                return False
            memory.seek(start)
            memory.write(hidden)
    except (OSError, ValueError):
        return False
    return True
