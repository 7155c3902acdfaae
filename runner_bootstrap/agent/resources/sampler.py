"""Samples what the command's processes use. On other systems than Linux there are no samples."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any, Callable

from ..execution import processes
from ..shared.clock import timestamp
from .container_usage import ContainerUsage
from .disk import DiskUse
from .network import NetworkCounter

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Sampler:
    """Samples the process tree below ``root``; totals never decrease, although processes end."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._totals = {"cpu_ms": 0, "read_bytes": 0, "write_bytes": 0}
        self._network, self._disk = NetworkCounter(), DiskUse()
        self.memory_peak = 0
        self.disk_peak = 0
        #: Returns the usage of the command's container, if its processes are not among this machine's.
        self.container_usage_now: Callable[[], ContainerUsage | None] = lambda: None

    def watch(self, workspace: Path) -> None:
        """Includes the disk space of this directory from now on."""
        self._disk.directory = workspace

    def sample(self) -> dict[str, Any] | None:
        """Returns a sample of the process tree (bytes, milliseconds); None if no process runs or none is visible."""
        tree = processes.descendants(self._root)
        if not tree:
            return None
        now_used = {
            "cpu_ms": sum(process.ticks for process in tree) * 1000 // _TICKS,
            "read_bytes": 0,
            "write_bytes": 0,
        }
        for process in tree:
            done = processes.input_output(process.pid)
            now_used["read_bytes"] += done.get("read_bytes", 0)
            now_used["write_bytes"] += done.get("write_bytes", 0)
        memory = sum(process.pages for process in tree) * _PAGE
        container_usage = self.container_usage_now()
        if container_usage:
            now_used["cpu_ms"] += round(container_usage.cpu_seconds * 1000)
            memory += container_usage.memory
        traffic, space = self._network.count(process.pid for process in tree), self._disk.bytes()
        seen: dict[str, Any] = {"memory": memory, "processes": len(tree)}
        if traffic:
            now_used.update(rx_bytes=traffic.received, tx_bytes=traffic.sent)
            seen["shared_network"] = traffic.shared
        if space is not None:
            seen["disk_bytes"] = space
        with self._lock:
            self.memory_peak = max(self.memory_peak, memory)
            self.disk_peak = max(self.disk_peak, space or 0)
            for name, value in now_used.items():
                self._totals[name] = max(self._totals.get(name, 0), value)
            return {"time": timestamp(), **self._totals, **seen}

    def usage(self, cpu_seconds: float, memory_peak: int, duration: float) -> dict[str, int]:
        """Returns the usage of the whole assignment (milliseconds, bytes).

        ``cpu_seconds`` and ``memory_peak`` (bytes) are the kernel's counts, ``duration`` is in seconds.
        """
        container_usage = self.container_usage_now()
        if container_usage:
            cpu_seconds, memory_peak = (
                cpu_seconds + container_usage.cpu_seconds,
                max(memory_peak, container_usage.memory_peak),
            )
        with self._lock:
            return {
                **self._totals,
                "cpu_ms": max(self._totals["cpu_ms"], round(cpu_seconds * 1000)),
                "memory_peak": max(self.memory_peak, memory_peak),
                **({"disk_peak": self.disk_peak} if self.disk_peak else {}),
                "duration_ms": round(duration * 1000),
            }
