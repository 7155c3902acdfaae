"""A treatment once more on this machine, from a folder, without a control plane."""

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
from ..containers.container_engine import Environment
from ..containers.treatment_containers import Company
from ..execution.command import Command, Stdio
from ..execution.sandbox import Launch, plain
from ..execution.supervisor import Exit, Keeper
from ..execution.workspace import Workspace
from ..runner.runner import Runner
from ..runner.settings import Site
from ..shared.termination import Ending
from .replay_folder import Kit, KitGateway, KitStore

# Nobody waits for its heartbeats.
LEASE_SECONDS = 86_400
HEARTBEAT_SECONDS = 1


def replay(kit: Kit, site: Site, values: dict[str, str], keeper: Keeper, ending: Ending, shell: bool) -> None:
    """Run the kit's treatment, or a shell in its place; ``values`` are its secrets by the variables that hold them.

    Raises AgentError for a kit that cannot be understood.
    """
    kit.clear()
    assignment = Assignment(
        {
            **kit.work,
            "session_token": "none",
            "secrets": values,
            "heartbeat_seconds": HEARTBEAT_SECONDS,
            "lease_seconds": LEASE_SECONDS,
            "follow": True,
        }
    )
    gateway, store = KitGateway(kit), KitStore(kit, ending)
    runner = (
        ShellRunner(gateway, site, assignment, keeper, ending, store)
        if shell
        else Runner(gateway, site, assignment, keeper, ending, store)
    )
    runner.run()
    gateway.save()


def site_of(kit: Kit, options: Any) -> Site:
    """Named after the runner of then, and so that two replays of it do not meet."""
    return Site(f"{kit.runner_id}-{secrets.token_hex(3)}", options.workspaces.expanduser().absolute(), [])


def read_secrets(descriptor: int | None) -> dict[str, str]:
    """A JSON object from an inherited descriptor, so that no value is in an environment or on a command line."""
    if descriptor is None:
        return {}
    with os.fdopen(descriptor, encoding="utf-8") as file:
        read: dict[str, str] = json.load(file)
    return read


class ShellRunner(Runner):
    """Prepares everything, and then starts a shell on this terminal instead of the command."""

    def __init__(
        self,
        gateway: KitGateway,
        site: Site,
        assignment: Assignment,
        keeper: Keeper,
        ending: Ending,
        store: KitStore,
    ) -> None:
        self._stdin, self._stdout = assignment.stdin, assignment.stdout
        # The terminal is the shell's; the command is told where to read and write when it is started from there.
        assignment.stdin = assignment.stdout = None
        super().__init__(gateway, site, assignment, keeper, ending, store)
        self._command = Shell(keeper, self._log, ending)

    def _launch(self, command: list[str], env: Environment, workspace: Workspace, company: Company | None) -> Launch:
        start = workspace.write("replay", self._start(command))
        env = env._replace(values={**env.values, "CADENCE_REPLAY": str(start), "PS1": "replay $ "})
        print(f"The command is in {command[-1]}; to start it: sh $CADENCE_REPLAY", file=sys.stderr, flush=True)
        terminal = ["--tty"] if sys.stdin.isatty() else []
        within = company.launch(["sh"], env, ["--interactive", *terminal]) if company else None
        if within:
            return within
        argv = [
            shutil.which("bash") or "sh",
            *(["--norc", "-i"] if sys.stdin.isatty() and shutil.which("bash") else []),
        ]
        sandbox = self._site.sandbox()
        if sandbox:
            return sandbox.launch(argv, env.values, workspace, terminal=True)
        return plain(argv, env.values, workspace)

    def _start(self, command: list[str]) -> str:
        """A script that starts the command as it was started then."""
        reads = f' < "$CADENCE_IN_{_variable(self._stdin)}"' if self._stdin else ""
        writes = f' > "$CADENCE_OUT_{_variable(self._stdout)}"' if self._stdout else ""
        return f"{shlex.join(command)}{reads}{writes}\n"


class Shell(Command):
    """Started on the agent's own terminal; how it ends says nothing about the treatment."""

    def run(self, launch: Launch, max_duration: float | None, stdio: Stdio) -> None:
        # Ctrl-C is meant for what runs in the shell.
        before = signal.signal(signal.SIGINT, _ignore)
        try:
            subprocess.run(launch.argv, env=launch.env, cwd=launch.cwd, check=False, close_fds=False)
        finally:
            signal.signal(signal.SIGINT, before)
        self.exit = Exit(None, None, 0.0, 0, None)


def _ignore(number: int, frame: FrameType | None) -> None:
    """Nothing; other than SIG_IGN, children do not inherit it."""


def _variable(port: str) -> str:
    return port.replace("-", "_")
