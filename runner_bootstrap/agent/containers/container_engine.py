"""Containers by podman, or by docker if there is no podman."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ..execution.sandbox import LaunchSpec
from ..execution.workspace import Workspace
from ..shared.errors import AgentError, TreatmentFailed

ENGINES = ("podman", "docker")
EXTRA_ARGUMENTS = "CADENCE_PODMAN_ARGS"
REMOVAL_SECONDS = 30
ANSWER_SECONDS = 60
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
# Variables that the engine itself reads: the command's variables of these names are passed on the command line.
_ENGINES_OWN = frozenset({"HOME", "PATH", "TMPDIR", "LANG", "USER", "SHELL", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"})
_ENGINES_OWN_PREFIXES = ("XDG_", "CONTAINER", "PODMAN_", "DOCKER_", "STORAGE_", "REGISTRY_", "LD_", "DBUS_")


_PULL = '"$1" image inspect "$2" >/dev/null 2>&1 || exec "$1" pull --quiet "$2"'
_PULL_OF_ARCHITECTURE = """there=$("$1" image inspect --format '{{.Architecture}}' "$2" 2>/dev/null)
[ "$there" = "$3" ] || exec "$1" pull --quiet --platform "linux/$3" "$2"
"""


class ContainerEnvironment(NamedTuple):
    """A container's variables; values of the names in ``secret`` must not appear on a command line."""

    values: dict[str, str]
    secret: Sequence[str] = ()


class ContainerOptions(NamedTuple):
    """Options of the command's container.

    ``cpu`` is in millicores, ``memory`` in MB (0: no limit); ``interactive`` connects its standard input.
    """

    cpu: int = 0
    memory: int = 0
    arguments: Sequence[str] = ()
    interactive: bool = False


class ContainerEngine:
    """Runs one container, named after the runner so that a leftover can be recognised."""

    def __init__(self, program: str, runner_id: str) -> None:
        self.program = program
        self.kind = Path(program).name
        self.name = f"cadence-{runner_id}"

    @classmethod
    def find(cls, runner_id: str) -> ContainerEngine:
        """Returns the first engine that is installed. Raises AgentError."""
        for engine in ENGINES:
            program = shutil.which(engine)
            if program:
                return cls(program, runner_id)
        raise AgentError(f"the treatment needs a container image, but this machine has none of {', '.join(ENGINES)}")

    def pull(self, image: str, workspace: Workspace, logins: Mapping[str, str], arch: str = "") -> LaunchSpec:
        """Pulls the image unless it is present; ``logins`` are variables that name the engine's login file.

        With ``arch`` an image of that architecture is pulled even if one of the same name is present.
        """
        argv = ["sh", "-c", _PULL_OF_ARCHITECTURE if arch else _PULL, "sh", self.program, image, arch]
        return LaunchSpec(argv=argv, env={**os.environ, **logins}, cwd=str(workspace.work), cleanup=[])

    def require_local(self, image: str) -> None:
        """Checks that an image is present whose name says that no registry has it (``localhost/…``).

        Raises TreatmentFailed: it would be looked for in vain several times.
        """
        if not image.startswith("localhost/") or self._ask("image", "inspect", image).returncode == 0:
            return
        if self._ask("image", "ls", "--quiet").returncode == 0:  # an engine that does not work reports that itself
            raise TreatmentFailed(
                f"the image {image} is not on this machine, and no registry has images of this name: build it here "
                f"with {self.kind}, or name the registry that has it"
            )

    def digest(self, image: str) -> str | None:
        """Returns the ``sha256:…`` of a present image, as its registry knows it, or as it was built here."""
        for form in ("{{.Digest}}", "{{index .RepoDigests 0}}"):
            done = self._ask("image", "inspect", "--format", form, image)
            digest = digest_of(done.stdout.decode("utf-8", "replace"))
            if done.returncode == 0 and digest:
                return digest
        return None

    def launch(
        self,
        image: str,
        command: Sequence[str],
        env: ContainerEnvironment,
        workspace: Workspace,
        options: ContainerOptions,
    ) -> LaunchSpec:
        """Launches the command in a container. Raises AgentError for a secret whose name the engine itself reads."""
        engine_env, argv = self.environment(env)
        argv = [self.program, "run", "--rm", "--name", self.name, "--log-driver", "none", *argv]
        argv += ["--volume", f"{workspace.root}:{workspace.root}", "--workdir", str(workspace.work)]
        argv += [*limits(options.cpu, options.memory), *options.arguments]
        if options.interactive:
            argv += ["--interactive"]
        argv += ["--entrypoint", command[0], image, *command[1:]]
        # Not in the command's directory: podman leaves a file `oom` where it is if memory runs out.
        return LaunchSpec(argv=argv, env=engine_env, cwd=str(workspace.root), cleanup=self.removal(self.name))

    def shell(self, command: Sequence[str], terminal: str, workspace: Workspace) -> LaunchSpec:
        """Launches a shell on a terminal in the running container, with the container's environment."""
        argv = [self.program, "exec", "--interactive", "--tty", "--env", f"TERM={terminal}"]
        argv += ["--workdir", str(workspace.work), self.name, *command]
        return LaunchSpec(argv=argv, env=dict(os.environ), cwd=str(workspace.root), cleanup=[])

    def environment(self, env: ContainerEnvironment) -> tuple[dict[str, str], list[str]]:
        """Returns the engine's own environment, and its arguments that give a container these variables.

        Only values of names that the engine itself reads are on the command line, and never a secret.
        """
        engine_env: dict[str, str] = dict(os.environ)
        argv: list[str] = []
        for name, value in env.values.items():
            if name in env.secret and _is_engines_own(name):
                raise AgentError(
                    f"the secret {name} needs another name: the container engine itself reads a variable called so"
                )
            if name != "PATH":
                argv += self.variable(name, value, engine_env)
        return engine_env, argv

    def variable(self, name: str, value: str, engine_env: dict[str, str]) -> list[str]:
        """Returns arguments that give a container a variable.

        The value is passed by the engine's own environment, unless the engine itself reads a variable of that name.
        """
        if _is_engines_own(name):
            return ["--env", f"{name}={value}"]
        engine_env[name] = value
        return ["--env", name]

    def process(self, name: str) -> int | None:
        """Returns this machine's process id of a running container's first process."""
        pid = self._ask("container", "inspect", "--format", "{{.State.Pid}}", name).stdout.strip()
        return int(pid) if pid.isdigit() and int(pid) else None

    def removal(self, name: str) -> list[str]:
        """Returns the command that removes a container at once, in whatever state it is."""
        return [self.program, "rm", "--force", *(["--time", "0"] if self.kind == "podman" else []), name]

    def removal_of_volume(self, name: str) -> list[str]:
        return [self.program, "volume", "rm", "--force", name]

    def remove(self) -> None:
        """Removes what a killed command may have left; does nothing if there is nothing."""
        run_quietly(self.removal(self.name))

    def is_running(self, name: str) -> bool:
        return self._ask("container", "inspect", "--format", "{{.State.Running}}", name).stdout.strip() == b"true"

    def host_port(self, name: str, port: int) -> int:
        """Returns the loopback port at which a container's port is published. Raises AgentError."""
        done = self._ask("port", name, f"{port}/tcp")
        match = re.search(rb":(\d+)\s*$", done.stdout)
        if not match:
            raise AgentError(f"{self.kind} did not publish port {port} of {name}")
        return int(match[1])

    def _ask(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(
                [self.program, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=ANSWER_SECONDS,
                check=False,
                close_fds=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise AgentError(f"{self.kind} does not answer: {error}") from error


def architecture() -> str:
    """Returns this machine's architecture as images, pools and treatments name it."""
    return _ARCHITECTURES.get(platform.machine(), platform.machine())


def digest_of(text: str) -> str | None:
    """Returns the digest in an image reference, if there is one."""
    match = _DIGEST.search(text)
    return match[0] if match else None


def _is_engines_own(name: str) -> bool:
    return name in _ENGINES_OWN or name.startswith(_ENGINES_OWN_PREFIXES)


def limits(cpu: int, memory: int) -> list[str]:
    """Returns arguments for millicores and MB; 0 means no limit."""
    return [*(["--memory", f"{memory}m"] if memory else []), *(["--cpus", f"{cpu / 1000:g}"] if cpu else [])]


def network(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """Returns the network that an engine's further arguments name, and the other arguments."""
    network_name, others, following = None, [], False
    for argument in arguments:
        name, _, value = argument.partition("=")
        if following:
            network_name, following = argument, False
        elif name in ("--network", "--net"):
            network_name, following = value or None, not value
        else:
            others.append(argument)
    return network_name, others


def further_arguments() -> list[str]:
    """Returns the arguments that the machine's administrator adds to every container."""
    return shlex.split(os.environ.get(EXTRA_ARGUMENTS, ""))


def run_quietly(argv: Sequence[str]) -> None:
    """Runs a command for at most REMOVAL_SECONDS and ignores how it ends."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=REMOVAL_SECONDS,
            check=False,
            close_fds=False,
        )
