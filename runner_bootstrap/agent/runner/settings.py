"""Which runner this is and where it works, and how it gets its assignment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..containers.pod import Pod
from ..execution.cgroups import Cgroups
from ..execution.sandbox import Bubblewrap


class RunnerSettings(NamedTuple):
    """Which runner this is, where workspaces go, which directories the command must not see, where its control group is made.

    ``pod`` is what it is in, if that was made with containers for its treatment.
    """

    runner_id: str
    parent: Path
    hidden: Sequence[Path]
    shown: Sequence[Path] = ()
    cgroups: Cgroups | None = None
    pod: Pod | None = None

    def sandbox(self) -> Bubblewrap | None:
        """Where its commands run on this machine, if it has one."""
        return Bubblewrap.find(self.hidden, self.shown)
