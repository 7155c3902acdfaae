"""The settings of a host."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ..execution.cgroups import Cgroups


class HostSettings(NamedTuple):
    """The settings of a host.

    ``labels`` are for users. ``cgroups`` is where runners' limits are enforced, if this machine allows it. ``hidden``
    are directories that no command may see, besides that of the state file; ``shown`` are those it may read even below
    ``/tmp``.
    """

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
