"""Treatments with an ``image:``: podman, or docker where there is no podman."""

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
from ..shared.errors import AgentError

ENGINES = ("podman", "docker")
EXTRA_ARGUMENTS = "CADENCE_PODMAN_ARGS"
REMOVAL_SECONDS = 30
ANSWER_SECONDS = 60
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
# What the engine itself reads from its environment: the command's variables of such names go on the command line.
_ENGINES_OWN = frozenset({"HOME", "PATH", "TMPDIR", "LANG", "USER", "SHELL", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"})
_ENGINES_OWN_PREFIXES = ("XDG_", "CONTAINER", "PODMAN_", "DOCKER_", "STORAGE_", "REGISTRY_", "LD_", "DBUS_")


_PULL = '"$1" image inspect "$2" >/dev/null 2>&1 || exec "$1" pull --quiet "$2"'
_PULL_OF_ARCHITECTURE = """there=$("$1" image inspect --format '{{.Architecture}}' "$2" 2>/dev/null)
[ "$there" = "$3" ] || exec "$1" pull --quiet --platform "linux/$3" "$2"
"""


class ContainerEnvironment(NamedTuple):
    """A container's variables; the values of those in ``secret`` must not be seen on a command line."""

    values: dict[str, str]
    secret: Sequence[str] = ()


class ContainerOptions(NamedTuple):
    """How the command's container is to be: millicores, MB (0 for no limit), further arguments, whether it has an input."""

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
        for engine in ENGINES:
            program = shutil.which(engine)
            if program:
                return cls(program, runner_id)
        raise AgentError(f"the treatment needs a container image, but this machine has none of {', '.join(ENGINES)}")

    def pull(self, image: str, workspace: Workspace, logins: Mapping[str, str], arch: str = "") -> LaunchSpec:
        """Fetch the image unless it is there; ``logins`` are variables that tell the engine of its logins.

        With ``arch`` it is to be the one of that architecture, whichever of its name is there already.
        """
        argv = ["sh", "-c", _PULL_OF_ARCHITECTURE if arch else _PULL, "sh", self.program, image, arch]
        return LaunchSpec(argv, {**os.environ, **logins}, str(workspace.work), [])

    def digest(self, image: str) -> str | None:
        """``sha256:…`` of an image that is here, as its registry knows it, or as it was made here."""
        for form in ("{{.Digest}}", "{{index .RepoDigests 0}}"):
            done = self._ask("image", "inspect", "--format", form, image)
            found = digest_of(done.stdout.decode("utf-8", "replace"))
            if done.returncode == 0 and found:
                return found
        return None

    def launch(
        self,
        image: str,
        command: Sequence[str],
        env: ContainerEnvironment,
        workspace: Workspace,
        options: ContainerOptions,
    ) -> LaunchSpec:
        """Raises AgentError for a secret of a name that the engine itself would read."""
        engine_env, argv = self.environment(env)
        argv = [self.program, "run", "--rm", "--name", self.name, "--log-driver", "none", *argv]
        argv += ["--volume", f"{workspace.root}:{workspace.root}", "--workdir", str(workspace.work)]
        argv += [*limits(options.cpu, options.memory), *options.arguments]
        if options.interactive:
            argv += ["--interactive"]
        argv += ["--entrypoint", command[0], image, *command[1:]]
        return LaunchSpec(argv, engine_env, str(workspace.work), self.removal(self.name))

    def environment(self, env: ContainerEnvironment) -> tuple[dict[str, str], list[str]]:
        """The engine's own environment and its arguments, which give a container these variables.

        No value is put on the command line but harmless ones of names that the engine itself would read.
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
        """Arguments that give a container a variable: by the engine's own environment, unless it would read it itself."""
        if _is_engines_own(name):
            return ["--env", f"{name}={value}"]
        engine_env[name] = value
        return ["--env", name]

    def process(self, name: str) -> int | None:
        """The first process of a running container, as this machine numbers it."""
        pid = self._ask("container", "inspect", "--format", "{{.State.Pid}}", name).stdout.strip()
        return int(pid) if pid.isdigit() and int(pid) else None

    def removal(self, name: str) -> list[str]:
        """What removes a container, whatever it does; without waiting for it."""
        return [self.program, "rm", "--force", *(["--time", "0"] if self.kind == "podman" else []), name]

    def removal_of_volume(self, name: str) -> list[str]:
        return [self.program, "volume", "rm", "--force", name]

    def remove(self) -> None:
        """Remove what a killed command may have left; nothing happens when there is nothing."""
        run_quietly(self.removal(self.name))

    def is_running(self, name: str) -> bool:
        return self._ask("container", "inspect", "--format", "{{.State.Running}}", name).stdout.strip() == b"true"

    def host_port(self, name: str, port: int) -> int:
        """The loopback port that a container's port is published at. Raises AgentError."""
        done = self._ask("port", name, f"{port}/tcp")
        found = re.search(rb":(\d+)\s*$", done.stdout)
        if not found:
            raise AgentError(f"{self.kind} did not publish port {port} of {name}")
        return int(found[1])

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
    """As images, pools and treatments name it."""
    return _ARCHITECTURES.get(platform.machine(), platform.machine())


def digest_of(text: str) -> str | None:
    """The digest that a reference to an image names, if it names one."""
    found = _DIGEST.search(text)
    return found[0] if found else None


def _is_engines_own(name: str) -> bool:
    return name in _ENGINES_OWN or name.startswith(_ENGINES_OWN_PREFIXES)


def limits(cpu: int, memory: int) -> list[str]:
    """Arguments for millicores and MB; 0 for no limit."""
    return [*(["--memory", f"{memory}m"] if memory else []), *(["--cpus", f"{cpu / 1000:g}"] if cpu else [])]


def network(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """The network that further arguments of an engine ask for, and the other arguments."""
    wanted, others, following = None, [], False
    for argument in arguments:
        name, _, value = argument.partition("=")
        if following:
            wanted, following = argument, False
        elif name in ("--network", "--net"):
            wanted, following = value or None, not value
        else:
            others.append(argument)
    return wanted, others


def further_arguments() -> list[str]:
    """What whoever set up this machine adds to every container."""
    return shlex.split(os.environ.get(EXTRA_ARGUMENTS, ""))


def run_quietly(argv: Sequence[str]) -> None:
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=REMOVAL_SECONDS,
            check=False,
            close_fds=False,
        )
