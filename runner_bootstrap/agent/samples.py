"""What the command's processes use. Elsewhere than on Linux there are no samples."""

from __future__ import annotations

import os
import threading
from typing import Any

from . import processes
from .logs import now

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Sampler:
    """Samples the tree below one process; totals never go back, though processes end."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._totals = {"cpu_ms": 0, "read_bytes": 0, "write_bytes": 0}
        self.memory_peak = 0

    def sample(self) -> dict[str, Any] | None:
        """The tree as it is now; None when nothing runs or nothing can be seen."""
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
        with self._lock:
            self.memory_peak = max(self.memory_peak, memory)
            for name, value in now_used.items():
                self._totals[name] = max(self._totals[name], value)
            return {"time": now(), **self._totals, "memory": memory, "processes": len(tree)}

    def usage(self, cpu_seconds: float, duration: float) -> dict[str, int]:
        """The whole assignment's usage; ``cpu_seconds`` is what the kernel counted for the command."""
        with self._lock:
            return {
                **self._totals,
                "cpu_ms": max(self._totals["cpu_ms"], round(cpu_seconds * 1000)),
                "memory_peak": self.memory_peak,
                "duration_ms": round(duration * 1000),
            }
