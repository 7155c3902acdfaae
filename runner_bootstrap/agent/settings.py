"""What a host is told when it starts."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class HostSettings(NamedTuple):
    """``hidden`` are directories no command may see, beside that of the state file; ``shown`` ones it may, even below /tmp."""

    gateway: str
    pool: str
    name: str
    state: Path
    slots: int
    grace_seconds: float
    workspaces: Path
    hidden: list[Path]
    shown: list[Path]
