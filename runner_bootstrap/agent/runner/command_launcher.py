"""How the command of an assignment, and shells beside it, are started on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from ..assignments.assignment import Assignment
from ..containers.treatment_containers import TreatmentContainers
from ..execution.cgroups import RunnerCgroups
from ..execution.sandbox import LaunchSpec
from ..execution.workspace import Workspace
from ..shells.shells import SHELL
from .settings import RunnerSettings


class CommandLauncher:
    """Launches in the sandbox and in the control group of the assignment."""

    def __init__(self, settings: RunnerSettings, assignment: Assignment) -> None:
        self._settings, self._assignment = settings, assignment
        self._confined: Optional[RunnerCgroups] = None

    def launch(self, command: Sequence[str], env: dict[str, str], workspace: Workspace, is_engine: bool) -> LaunchSpec:
        """Launches the command on this machine, in a new control group if there are control groups."""
        launch = self._settings.launch_on_host(command, env, workspace, self._assignment)
        if not self._settings.cgroups:
            return launch
        # Engines use more than what a program asks for its worker, which is not enforced elsewhere either.
        memory = 0 if is_engine else self._assignment.limit("memory")
        self._confined = self._settings.cgroups.confine(self._settings.runner_id, self._assignment.limit("cpu"), memory)
        return launch._replace(groups=self._confined.entries)

    def launch_shell(
        self, env: dict[str, str], workspace: Workspace, containers: Optional[TreatmentContainers], terminal: str
    ) -> LaunchSpec:
        """Launches a shell where the command runs: in its container, or else in its sandbox and control group.

        ``env`` is the command's environment. Raises AgentError.
        """
        launch = containers.shell(SHELL, terminal) if containers else None
        if launch:
            return launch
        values = {**env, "TERM": terminal}
        launch = self._settings.launch_on_host(SHELL, values, workspace, self._assignment, terminal=True)
        return launch._replace(groups=self._confined.entries) if self._confined else launch

    def killed_for_memory(self) -> bool:
        """Returns whether a process in the control group was killed for its memory."""
        return bool(self._confined and self._confined.killed_for_memory())

    def remove(self) -> None:
        """Removes the control group."""
        if self._confined:
            self._confined.remove()
