"""Facts about this machine for the control plane."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path
from typing import Any

from .. import VERSION
from ..containers.container_engine import ENGINES, architecture
from ..execution.sandbox import Bubblewrap
from ..execution.workspace import free_megabytes
from ..melodium import engine_binary


def facts(directory: Path) -> dict[str, Any]:
    """Returns plain values by name (memory and storage in MB); ``directory`` is where workspaces are created."""
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    return {
        "hostname": platform.node()[:256],
        "os": platform.system().lower(),
        "arch": architecture(),
        "cpus": os.cpu_count() or 1,
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1_000_000,
        "storage": free_megabytes(existing),
        "python": platform.python_version(),
        "agent": VERSION,
        "container_engine": next((engine for engine in ENGINES if shutil.which(engine)), None),
        "sandbox": "bwrap" if Bubblewrap.program() else None,
        # Those in images serve workers, which need nothing else, but no programs.
        "melodium": engine_binary.in_words() or None,
    }
