"""What a host is told when it starts."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ..execution.cgroups import Cgroups


class HostSettings(NamedTuple):
    """``labels`` are for people; ``cgroups`` is where runners' limits are held, if this machine lets us. ``hidden`` are directories no command may see, beside that of the state file; ``shown`` ones it may, even below /tmp."""

    gateway: str
    pool: str
    name: str
    state: Path
    slots: int
    grace_seconds: float
    workspaces: Path
    hidden: list[Path]
    shown: list[Path]
    labels: dict[str, str]
    cgroups: Cgroups | None
