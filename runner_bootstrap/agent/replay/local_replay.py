"""Replays a treatment on this machine from a folder, without a control plane."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
from types import FrameType
from typing import Any

from ..assignments.assignment import Assignment
from ..containers.container_engine import ContainerEnvironment
from ..containers.treatment_containers import TreatmentContainers
from ..execution.command import Command
from ..execution.sandbox import LaunchSpec, plain
from ..execution.standard_streams import StandardStreams
from ..execution.supervisor import CommandExit, CommandSupervisor
from ..execution.workspace import Workspace
from ..runner.runner import AssignmentRunner
from ..runner.settings import RunnerSettings
from ..shared.termination import Termination
from .replay_folder import FolderGateway, FolderStore, ReplayFolder

# No control plane expects its heartbeats.
LEASE_SECONDS = 86_400
HEARTBEAT_SECONDS = 1


def replay(
    folder: ReplayFolder,
    settings: RunnerSettings,
    values: dict[str, str],
    supervisor: CommandSupervisor,
    termination: Termination,
    shell: bool,
) -> None:
    """Runs the folder's treatment, or a shell in its place; ``values`` are its secrets by environment variable.

    Raises AgentError if the folder cannot be used.
    """
    folder.clear()
    assignment = Assignment(
        {
            **folder.work,
            "session_token": "none",
            "secrets": values,
            "heartbeat_seconds": HEARTBEAT_SECONDS,
            "lease_seconds": LEASE_SECONDS,
            "follow": True,
        }
    )
    gateway, store = FolderGateway(folder), FolderStore(folder, termination)
    runner = (ShellAssignmentRunner if shell else AssignmentRunner)(
        gateway=gateway,
        settings=settings,
        assignment=assignment,
        supervisor=supervisor,
        termination=termination,
        store=store,
    )
    runner.run()
    gateway.save()


def settings_for(folder: ReplayFolder, options: Any) -> RunnerSettings:
    """Returns settings with the original runner's id and a suffix, so that two replays do not collide."""
    return RunnerSettings(
        runner_id=f"{folder.runner_id}-{secrets.token_hex(3)}",
        parent=options.workspaces.expanduser().absolute(),
        hidden=[],
    )


def read_secrets(descriptor: int | None) -> dict[str, str]:
    """Reads a JSON object from an inherited descriptor, so that no value is in an environment or on a command line."""
    if descriptor is None:
        return {}
    with os.fdopen(descriptor, encoding="utf-8") as file:
        read: dict[str, str] = json.load(file)
    return read


class ShellAssignmentRunner(AssignmentRunner):
    """Prepares everything, then starts a shell on this terminal instead of the command."""

    def __init__(
        self,
        gateway: FolderGateway,
        settings: RunnerSettings,
        assignment: Assignment,
        supervisor: CommandSupervisor,
        termination: Termination,
        store: FolderStore,
    ) -> None:
        self._stdin, self._stdout = assignment.stdin, assignment.stdout
        # The shell uses the terminal; the start script connects the command's ports when it is started from there.
        assignment.stdin = assignment.stdout = None
        super().__init__(
            gateway=gateway,
            settings=settings,
            assignment=assignment,
            supervisor=supervisor,
            termination=termination,
            store=store,
        )
        self._command = ShellCommand(supervisor, self._log, termination)
        self._steps.readable = True

    def _launch(
        self,
        command: list[str],
        env: ContainerEnvironment,
        workspace: Workspace,
        treatment_containers: TreatmentContainers | None,
    ) -> LaunchSpec:
        start = workspace.write("replay", self._start(command))
        env = env._replace(values={**env.values, "CADENCE_REPLAY": str(start), "PS1": "replay $ "})
        print(f"The command is in {command[-1]}; to start it: sh $CADENCE_REPLAY", file=sys.stderr, flush=True)
        terminal = ["--tty"] if sys.stdin.isatty() else []
        launch_in_image = (
            treatment_containers.launch(["sh"], env, ["--interactive", *terminal]) if treatment_containers else None
        )
        if launch_in_image:
            return launch_in_image
        argv = [
            shutil.which("bash") or "sh",
            *(["--norc", "-i"] if sys.stdin.isatty() and shutil.which("bash") else []),
        ]
        sandbox = self._settings.sandbox()
        if sandbox:
            return sandbox.launch(argv, env.values, workspace, terminal=True)
        return plain(argv, env.values, workspace)

    def _start(self, command: list[str]) -> str:
        """Returns a script that starts the command as the original runner did."""
        reads = f' < "$CADENCE_IN_{_variable(self._stdin)}"' if self._stdin else ""
        writes = f' > "$CADENCE_OUT_{_variable(self._stdout)}"' if self._stdout else ""
        return f"{shlex.join(command)}{reads}{writes}\n"


class ShellCommand(Command):
    """Runs on the agent's own terminal; its exit code does not decide the treatment's outcome."""

    def run(self, launch: LaunchSpec, max_duration: float | None, stdio: StandardStreams) -> None:
        # Ctrl-C is meant for the program in the shell.
        before = signal.signal(signal.SIGINT, _ignore)
        try:
            subprocess.run(launch.argv, env=launch.env, cwd=launch.cwd, check=False, close_fds=False)
        finally:
            signal.signal(signal.SIGINT, before)
        self.exit = CommandExit(exit_code=None, signal=None, cpu_seconds=0.0, memory_peak=0, error=None)


def _ignore(number: int, frame: FrameType | None) -> None:
    """Does nothing; unlike SIG_IGN, it is not inherited by children."""


def _variable(port: str) -> str:
    return port.replace("-", "_")
