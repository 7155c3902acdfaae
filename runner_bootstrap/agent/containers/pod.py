"""The pod of this agent, if it was created for a treatment with containers: they run already and accept commands."""

from __future__ import annotations

import itertools
import json
import os
import pkgutil
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Optional

from ..resources.container_usage import READ_USAGE, ContainerUsage, usage_from
from ..shared.errors import AgentError

#: The variable that names the folder of which all containers of the pod share parts;
#: ``cadence/providers/kubernetes/containers.py`` sets it.
FOLDER = "CADENCE_POD"
#: The container of a treatment's own command.
COMMAND = "command"
ANSWER_SECONDS = 60
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class PodCommand(NamedTuple):
    """A command for a container.

    ``alone``: it has the container to itself, and its leftover processes are killed with it.
    """

    command: Sequence[str]
    env: Mapping[str, str]
    workdir: Optional[str] = None
    interactive: bool = False
    alone: bool = False


class Pod:
    """``kind`` names it in messages where container engines are named."""

    kind = "the pod"

    def __init__(self, root: Path) -> None:
        self._root = root
        self._numbers = itertools.count(1)
        # Outside of the shared folder, so that no other container can change it.
        self._program = Path(tempfile.mkdtemp(prefix="cadence-pod-exec-")) / "pod_exec.py"
        self._program.write_bytes(pkgutil.get_data(__package__, "pod_exec.py") or b"")

    @classmethod
    def detect(cls) -> Pod | None:
        """Returns the pod of this agent; None if the agent is in no such pod."""
        root = os.environ.get(FOLDER)
        return cls(Path(root)) if root else None

    @property
    def workspaces(self) -> Path:
        return self._root / "work"

    def volume(self, slug: str) -> Path:
        """Returns the directory of a volume that a worker asked for."""
        return self._root / "volumes" / slug

    def health(self, service: str) -> Path:
        """Returns the file with the last result of a service's health command, if it has one."""
        return self._root / "health" / service

    def has(self, container: str) -> bool:
        """Returns whether the pod has a container of this name that accepts commands."""
        return (self._root / "desk" / container / "calls").exists()

    def exec_argv(self, container: str, pod_command: PodCommand) -> list[str]:
        """Returns the command that, started here, runs ``pod_command`` in the container.

        Raises AgentError if the command cannot be passed on.
        """
        for name in pod_command.env:
            if not _VARIABLE.match(name):
                raise AgentError(
                    f"the variable {name} cannot be given to a container of the pod: no shell allows such a name"
                )
        name = f"{'alone' if pod_command.alone else 'beside'}-{next(self._numbers)}"
        folder = self._root / "desk" / container / name
        try:
            folder.mkdir(mode=0o700)
            request = os.open(folder / "request", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(request, "w", encoding="utf-8", errors="surrogateescape") as file:
                json.dump(
                    {**pod_command._asdict(), "command": list(pod_command.command), "env": dict(pod_command.env)}, file
                )
        except OSError as error:
            raise AgentError(f"the pod has no container {container} that takes commands ({error.strerror})") from error
        return [sys.executable, "-IS", str(self._program), str(folder)]

    def output_of(self, container: str, command: Sequence[str]) -> str:
        """Returns what a short command prints in the container; empty if it could not be run."""
        try:
            done = subprocess.run(
                self.exec_argv(container, PodCommand(command=command, env={})),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=ANSWER_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return done.stdout.decode("utf-8", "replace")

    def usage(self, container: str) -> Optional[ContainerUsage]:
        """Returns the usage of a container; None if it cannot be read."""
        return usage_from(self.output_of(container, ["/bin/sh", "-c", READ_USAGE])) if self.has(container) else None

    def remove(self) -> None:
        """Ends everything that a treatment's command has started in its container."""
        if self.has(COMMAND):
            mailbox = str(self._root / "desk" / COMMAND)
            argv = [sys.executable, "-IS", str(self._program), mailbox, "signal-KILL"]
            subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=ANSWER_SECONDS, check=False)
