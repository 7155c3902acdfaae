"""Treatments with an ``image:``: podman, or docker where there is no podman."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .errors import AgentError
from .sandbox import Launch
from .workspace import Workspace

ENGINES = ("podman", "docker")
EXTRA_ARGUMENTS = "CADENCE_PODMAN_ARGS"
#: Exit code by which an engine says that it could not start the container.
ENGINE_FAILED = 125
REMOVAL_SECONDS = 30
# What the engine itself reads from its environment: the command's variables of such names go on the command line.
_ENGINES_OWN = frozenset({"HOME", "PATH", "TMPDIR", "LANG", "USER", "SHELL", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"})
_ENGINES_OWN_PREFIXES = ("XDG_", "CONTAINER", "PODMAN_", "DOCKER_", "STORAGE_", "REGISTRY_", "LD_", "DBUS_")


class ContainerEngine:
    """Runs one container, named after the runner so that a leftover can be recognised."""

    def __init__(self, program: str, runner_id: str) -> None:
        self._program = program
        self.kind = Path(program).name
        self.name = f"cadence-{runner_id}"

    @classmethod
    def find(cls, runner_id: str) -> ContainerEngine:
        for engine in ENGINES:
            program = shutil.which(engine)
            if program:
                return cls(program, runner_id)
        raise AgentError(f"the treatment needs a container image, but this machine has none of {', '.join(ENGINES)}")

    def pull(self, image: str, workspace: Workspace) -> Launch:
        """Fetch the image unless it is there."""
        script = '"$1" image inspect "$2" >/dev/null 2>&1 || exec "$1" pull --quiet "$2"'
        return Launch(["sh", "-c", script, "sh", self._program, image], dict(os.environ), str(workspace.work), [])

    def launch(
        self,
        image: str,
        command: Sequence[str],
        env: dict[str, str],
        secrets: Sequence[str],
        workspace: Workspace,
        limits: dict[str, int],
        interactive: bool,
    ) -> Launch:
        """No value is put on the command line but harmless ones of names that the engine itself would read.

        Raises AgentError for a secret of such a name. ``limits``: cpu in millicores, memory in MB; 0 for none.
        With ``interactive`` the command reads what is given to the engine.
        """
        engine_env = dict(os.environ)
        argv = [self._program, "run", "--rm", "--name", self.name, "--log-driver", "none"]
        argv += ["--volume", f"{workspace.root}:{workspace.root}", "--workdir", str(workspace.work)]
        if interactive:
            argv += ["--interactive"]
        if limits.get("memory"):
            argv += ["--memory", f"{limits['memory']}m"]
        if limits.get("cpu"):
            argv += ["--cpus", f"{limits['cpu'] / 1000:g}"]
        for name, value in env.items():
            if name not in _ENGINES_OWN and not name.startswith(_ENGINES_OWN_PREFIXES):
                engine_env[name] = value
                argv += ["--env", name]
            elif name in secrets:
                raise AgentError(
                    f"the secret {name} needs another name: the container engine itself reads a variable called so"
                )
            elif name != "PATH":
                argv += ["--env", f"{name}={value}"]
        argv += shlex.split(os.environ.get(EXTRA_ARGUMENTS, ""))
        argv += ["--entrypoint", command[0], image, *command[1:]]
        return Launch(argv, engine_env, str(workspace.work), self.removal)

    @property
    def removal(self) -> list[str]:
        return [self._program, "rm", "--force", self.name]

    def remove(self) -> None:
        """Remove what a killed command may have left; nothing happens when there is nothing."""
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(
                self.removal,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=REMOVAL_SECONDS,
                check=False,
                close_fds=False,
            )
