"""Executes an engine's commands: in containers, in those of a pod, or in a sandbox without a container engine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Optional

from ..execution import masks
from .container_engine import ANSWER_SECONDS, ContainerEngine, run_quietly
from .exec_process import CommandUsage, SpawnSpec
from .exec_request import ExecRequest
from .exec_server import MARK, missing_container
from .pod import Pod, PodCommand

_PROC, _CGROUPS = Path("/proc"), Path("/sys/fs/cgroup")
# Runs inside of the container, with its own shell: this user may not kill other users' processes from outside.
_KILL = 'for each in /proc/[0-9]*; do grep -aq "$1" "$each/environ" 2>/dev/null && kill -9 "${each#/proc/}"; done; :'


class ContainerTarget:
    """Executes commands in running containers; ``real_names`` maps the engine's names to those of the containers."""

    def __init__(self, engine: ContainerEngine, real_names: Mapping[str, str]) -> None:
        self._engine, self._real_names = engine, real_names
        self._groups: dict[str, Optional[_ContainerCgroup]] = {}

    def spawn(self, request: ExecRequest, marker: str) -> SpawnSpec:
        real = self._real_name(request.container)
        # Variables are passed by name, so no value is on the command line of the container engine.
        engine_env, argv = dict(os.environ), [self._engine.program, "exec"]
        argv += ["--interactive"] if request.interactive else []
        argv += [f"--workdir={request.workdir}"] if request.workdir else []
        for name, value in {**request.env, MARK: marker}.items():
            argv += self._engine.variable(name, value, engine_env)
        return SpawnSpec([*argv, real, *request.command], engine_env, "/")

    def value(self, container: str, variable: str) -> str:
        script = f'printf %s "${{{variable}}}"'
        argv = [self._engine.program, "exec", self._real_name(container), "/bin/sh", "-c", script]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=ANSWER_SECONDS, check=False)
        return done.stdout.decode("utf-8", "replace")

    def usage(self, container: str) -> Optional[CommandUsage]:
        if container not in self._groups:
            self._groups[container] = _ContainerCgroup.of(self._engine.process(self._real_name(container)))
        group = self._groups[container]
        return group.usage() if group else None

    def kill(self, container: str, marker: str) -> None:
        real = self._real_name(container)
        run_quietly([self._engine.program, "exec", real, "/bin/sh", "-c", _KILL, "sh", f"{MARK}={marker}"])

    def _real_name(self, container: str) -> str:
        real = self._real_names.get(container)
        if real is None:
            raise missing_container(container)
        return real


class PodTarget:
    """Executes commands in the containers of the pod that this runner is in."""

    def __init__(self, pod: Pod, containers: Sequence[str]) -> None:
        self._pod, self._containers = pod, containers

    def spawn(self, request: ExecRequest, marker: str) -> SpawnSpec:
        self._require(request.container)
        env = {**request.env, MARK: marker}
        pod_command = PodCommand(
            command=request.command, env=env, workdir=request.workdir, interactive=request.interactive
        )
        return SpawnSpec(self._pod.exec_argv(request.container, pod_command), {}, "/")

    def value(self, container: str, variable: str) -> str:
        self._require(container)
        return self._pod.output_of(container, ["/bin/sh", "-c", f'printf %s "${{{variable}}}"'])

    def usage(self, container: str) -> Optional[CommandUsage]:
        """Returns the counts of the container's own control group."""
        used = self._pod.usage(container)
        return CommandUsage(used.cpu_seconds, used.memory_peak) if used else CommandUsage(0.0, 0)

    def kill(self, container: str, marker: str) -> None:
        self._pod.output_of(container, ["/bin/sh", "-c", _KILL, "sh", f"{MARK}={marker}"])

    def _require(self, container: str) -> None:
        if container not in self._containers:
            raise missing_container(container)


class SandboxTarget:
    """Executes commands on the machine's own files, read-only, with the worker's volumes at their mount points.

    ``mounts`` maps each container to its mount points (absolute paths) and their directories. A command leaves the
    sandbox of the engine for one of its own, so commands share nothing but volumes.
    """

    def __init__(
        self, program: Optional[str], root: Path, hidden: Sequence[Path], mounts: Mapping[str, Mapping[str, str]]
    ) -> None:
        self._program, self._root, self._hidden, self._mounts = program, root, hidden, mounts
        for container in mounts:
            self._home(container).mkdir(parents=True, exist_ok=True)

    def spawn(self, request: ExecRequest, marker: str) -> SpawnSpec:
        home = self._home(request.container)
        env = {**self._own(request.container), **request.env, MARK: marker}
        workdir = request.workdir or str(home)
        if self._program is None:
            return SpawnSpec(request.command, env, workdir)
        argv = [self._program, *_isolation(self._root, self._hidden, self._mounts[request.container])]
        argv += ["--bind", str(home), str(home), "--chdir", workdir, "--", *request.command]
        # Of a program that is not there, bubblewrap tells no more than of a sandbox that could not be set up.
        found = shutil.which(request.command[0], path=env.get("PATH", ""))
        return SpawnSpec(argv, env, "/", sandbox_at=0 if found else None)

    def value(self, container: str, variable: str) -> str:
        return self._own(container).get(variable, "")

    def usage(self, container: str) -> Optional[CommandUsage]:
        return None

    def kill(self, container: str, marker: str) -> None:
        """Does nothing, since all processes of a sandbox end with it."""

    def _own(self, container: str) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self._home(container)), "LANG": "C.UTF-8"}

    def _home(self, container: str) -> Path:
        if container not in self._mounts:
            raise missing_container(container)
        return self._root / "containers" / container


def _isolation(root: Path, hidden: Sequence[Path], mounts: Mapping[str, str]) -> list[str]:
    """Returns arguments for a root of the machine's directories in which a mount point can be made anywhere."""
    argv = ["--dev", "/dev", "--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys"]
    argv += _as_it_is(Path("/"), ("/dev", "/proc", "/tmp"))
    argv += ["--tmpfs", "/tmp"]
    argv += masks.options([*hidden, root], [])
    for point, directory in mounts.items():
        existing = next(path for path in (Path(point), *Path(point).parents) if path.exists())
        if str(existing) not in ("/", point):
            # No mount point can be made in a read-only directory, so it is rebuilt with all of its entries.
            argv += ["--tmpfs", str(existing), *_as_it_is(existing)]
        argv += ["--bind", directory, point]
    return [*argv, "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--cap-drop", "ALL", "--die-with-parent"]


def _as_it_is(directory: Path, excluded: Sequence[str] = ()) -> list[str]:
    """Returns arguments that mount every entry of a directory read-only."""
    argv: list[str] = []
    for entry in sorted(directory.iterdir()):
        if str(entry) in excluded:
            continue
        argv += ["--symlink", os.readlink(entry)] if entry.is_symlink() else ["--ro-bind", str(entry)]
        argv.append(str(entry))
    return argv


class _ContainerCgroup:
    """The control group of a container, of either version."""

    def __init__(self, cpu: Path, scale: float, memory: Path) -> None:
        self._cpu, self._scale, self._memory = cpu, scale, memory

    @classmethod
    def of(cls, pid: Optional[int]) -> Optional["_ContainerCgroup"]:
        """Returns the control group of the process, or None if it is the root group."""
        try:
            lines = (_PROC / str(pid) / "cgroup").read_text().splitlines()
        except OSError:
            return None
        groups = {kinds: path for _, kinds, path in (line.split(":", 2) for line in lines)}
        accounts = next((path for kinds, path in groups.items() if "cpuacct" in kinds.split(",")), None)
        if accounts not in (None, "/"):
            memory = groups.get("memory", accounts)
            return cls(
                _CGROUPS / f"cpuacct{accounts}" / "cpuacct.usage",
                1e-9,
                _CGROUPS / f"memory{memory}" / "memory.max_usage_in_bytes",
            )
        unified = groups.get("")
        if unified in (None, "/"):
            return None
        return cls(
            _CGROUPS / f"{unified}".lstrip("/") / "cpu.stat", 1e-6, _CGROUPS / f"{unified}".lstrip("/") / "memory.peak"
        )

    def usage(self) -> Optional[CommandUsage]:
        try:
            fields = self._cpu.read_text().split()
            number = int(fields[fields.index("usage_usec") + 1] if "usage_usec" in fields else fields[0])
            memory = int(self._memory.read_text()) if self._memory.exists() else 0
        except (OSError, ValueError):
            return None
        return CommandUsage(number * self._scale, memory)
