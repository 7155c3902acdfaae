"""Network traffic: of the command alone if it has a network namespace of its own, else of the whole machine."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")


class Traffic(NamedTuple):
    """Bytes since counting began, without the loopback interface.

    ``shared``: traffic of other processes is included.
    """

    received: int
    sent: int
    shared: bool


class NetworkCounter:
    """Counts that never decrease, although networks come and go with their containers."""

    def __init__(self) -> None:
        self._own = _namespace("self")
        self._began = _counted("self")
        self._of_namespaces: dict[str, tuple[int, int]] = {}

    def count(self, pids: Iterable[int]) -> Traffic | None:
        """Returns the bytes that the processes, or else this machine, received and sent; None without counters."""
        for pid in pids:
            namespace = _namespace(str(pid))
            counted = _counted(str(pid)) if namespace not in (None, self._own) else None
            if namespace and counted:
                self._of_namespaces[namespace] = counted
        if self._of_namespaces:
            counts = self._of_namespaces.values()
            return Traffic(sum(received for received, _ in counts), sum(sent for _, sent in counts), shared=False)
        now = _counted("self")
        if now is None or self._began is None:
            return None
        return Traffic(max(0, now[0] - self._began[0]), max(0, now[1] - self._began[1]), shared=True)


def _namespace(pid: str) -> str | None:
    try:
        return os.readlink(_PROC / pid / "ns" / "net")
    except OSError:
        return None


def _counted(pid: str) -> tuple[int, int] | None:
    """Returns received and sent bytes of all interfaces of the process's network except the loopback."""
    try:
        lines = (_PROC / pid / "net" / "dev").read_text("utf-8", "replace").splitlines()[2:]
    except OSError:
        return None
    received = sent = 0
    for line in lines:
        name, _, numbers = line.partition(":")
        fields = numbers.split()
        if name.strip() != "lo" and len(fields) >= 9:
            received, sent = received + int(fields[0]), sent + int(fields[8])
    return received, sent
