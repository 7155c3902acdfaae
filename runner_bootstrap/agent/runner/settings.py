"""The settings of one runner."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..containers.pod import Pod
from ..execution.cgroups import Cgroups
from ..execution.sandbox import Bubblewrap, LaunchSpec, plain
from ..execution.workspace import Workspace
from ..shared.errors import AgentError


class RunnerSettings(NamedTuple):
    """The settings of one runner.

    ``parent`` is the directory of workspaces; ``hidden`` are directories that the command must not see, ``shown`` those
    it may read even below ``/tmp``. ``cgroups`` is where its control group is created. ``pod`` is the agent's pod, if
    it was created with containers for its treatment.
    """

    runner_id: str
    parent: Path
    hidden: Sequence[Path]
    shown: Sequence[Path] = ()
    cgroups: Cgroups | None = None
    pod: Pod | None = None

    def sandbox(self) -> Bubblewrap | None:
        """Returns the sandbox of its commands, if this machine has one."""
        return Bubblewrap.find(self.hidden, self.shown)

    def launch_on_host(
        self, command: Sequence[str], env: dict[str, str], workspace: Workspace, offline: bool
    ) -> LaunchSpec:
        """Launches a command in the sandbox, or directly on the host if there is none.

        Raises AgentError if it has to be ``offline`` and there is no sandbox.
        """
        sandbox = self.sandbox()
        if sandbox:
            return sandbox.launch(command, env, workspace, offline)
        if offline:
            raise AgentError("the command cannot be offline on this machine: install bubblewrap, or give it an image")
        return plain(command, env, workspace)
