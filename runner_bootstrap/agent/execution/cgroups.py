"""Control groups limit what a command on the host itself may use; containers are limited by their engine.

Version 2 requires root or a group delegated to this process (``Delegate=yes`` of systemd); version 1 requires root.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import NamedTuple

from ..shared.clock import Deadline
from ..shared.errors import AgentError

MOUNT = Path("/sys/fs/cgroup")
_PERIOD = 100_000
_MEGABYTE = 1_000_000
#: Enough for a large build, few enough to stop a fork bomb.
_MOST_PROCESSES = 32_768
_AGENTS = "cadence-agent"
_NEEDED = frozenset({"cpu", "memory", "pids"})
#: The kernel takes a moment to see that a killed process has left its group.
_REMOVE_SECONDS = 2.0


class RunnerCgroups(NamedTuple):
    """The control groups of one runner.

    A process joins by a write to each file of ``entries``; the file ``events`` counts kills for memory.
    """

    folders: list[Path]
    entries: list[str]
    events: Path

    def killed_for_memory(self) -> bool:
        """Returns whether the kernel has killed a process of the group because it exceeded the memory limit."""
        try:
            counts = dict(line.split(" ", 1) for line in self.events.read_text().splitlines())
        except (OSError, ValueError):
            return False
        return counts.get("oom_kill", "0").strip() != "0"

    def remove(self) -> None:
        """Removes the groups, whose processes have ended.

        A group that is still busy is removed at the host's next start.
        """
        deadline = Deadline(_REMOVE_SECONDS)
        for folder in self.folders:
            while not _remove_group(folder) and not deadline.passed:
                time.sleep(0.01)


class Cgroups:
    """The control groups below which a host creates one group per runner."""

    def __init__(self, version: int, parents: dict[str, Path]) -> None:
        self.version, self._parents = version, parents

    @property
    def parents(self) -> list[Path]:
        """The groups below which those of the runners are, one per controller of version 1."""
        return list(self._parents.values())

    @classmethod
    def prepare(cls, name: str, mount: Path = MOUNT, membership: Path = Path("/proc/self/cgroup")) -> Cgroups | None:
        """Prepares the parent groups. Call it before any other process is started.

        Every host on a machine has a ``name`` of its own, and the same after a restart. Returns None if limits cannot
        be enforced on this machine.
        """
        try:
            lines = [line.split(":", 2) for line in membership.read_text().splitlines()]
            own = {name: path.lstrip("/") for _, names, path in lines for name in names.split(",")}
            if (mount / "cgroup.controllers").exists():
                return cls._second(mount / own[""], name)
            return cls._first(mount, own, name)
        except (OSError, ValueError, KeyError):
            return None

    @classmethod
    def _second(cls, own: Path, name: str) -> Cgroups | None:
        """Prepares version 2: this process moves into a group beside those of the runners.

        The kernel forbids a group that has processes of its own to divide its resources.
        """
        handed_over = set((own / "cgroup.controllers").read_text().split()) >= _NEEDED
        if not handed_over or (own / "cgroup.procs").read_text().split() != [str(os.getpid())]:
            return None
        agent, parent = own / _AGENTS, own / name
        agent.mkdir(exist_ok=True)
        parent.mkdir(exist_ok=True)
        (agent / "cgroup.procs").write_text(str(os.getpid()))
        for group in (own, parent):
            (group / "cgroup.subtree_control").write_text(" ".join(f"+{controller}" for controller in sorted(_NEEDED)))
        return cls(2, {"": parent})

    @classmethod
    def _first(cls, mount: Path, own: dict[str, str], name: str) -> Cgroups:
        parents = {controller: mount / controller / own[controller] / name for controller in _NEEDED}
        for parent in parents.values():
            parent.mkdir(parents=True, exist_ok=True)
        return cls(1, parents)

    def describe(self) -> str:
        """Returns a description for a runner's process, which reads it with ``parse``."""
        return ";".join((str(self.version), *(f"{name}={path}" for name, path in sorted(self._parents.items()))))

    @classmethod
    def parse(cls, text: str) -> Cgroups:
        version, *parents = text.split(";")
        return cls(int(version), {name: Path(path) for name, path in (parent.split("=", 1) for parent in parents)})

    def confine(self, name: str, cpu: int, memory: int) -> RunnerCgroups:
        """Creates the group ``name`` with limits in millicores and MB (0: no limit). Raises AgentError."""
        folders = {key: parent / name for key, parent in self._parents.items()}
        try:
            for folder in folders.values():
                folder.mkdir(exist_ok=True)
            return _limit_first(folders, cpu, memory) if self.version == 1 else _limit_second(folders[""], cpu, memory)
        except OSError as error:
            raise AgentError(f"no control group can be created for the runner: {error}") from error

    def sweep(self) -> None:
        """Removes groups without processes, which a killed host has left behind."""
        for parent in self._parents.values():
            for folder in parent.iterdir():
                if folder.is_dir():
                    _remove_group(folder)

    def discard(self, name: str) -> None:
        """Removes the group of a runner that has ended, in case it was killed before it could do so itself."""
        for parent in self._parents.values():
            _remove_group(parent / name)

    def remove(self) -> None:
        """Removes everything that ``prepare`` created. Call it when all runners have ended.

        Groups with processes stay. Of version 2, this host's processes return to the group that they came from.
        """
        self.sweep()
        for parent in self._parents.values():
            _remove_group(parent)
        if self.version == 2:
            own = self._parents[""].parent
            with contextlib.suppress(OSError):
                controllers = " ".join(f"-{controller}" for controller in sorted(_NEEDED))
                (own / "cgroup.subtree_control").write_text(controllers)
                for pid in (own / _AGENTS / "cgroup.procs").read_text().split():
                    (own / "cgroup.procs").write_text(pid)
            _remove_group(own / _AGENTS)


def join(entries: list[str]) -> None:
    """Moves this process into the groups. Runs between fork and exec, so it makes system calls only."""
    for entry in entries:
        descriptor = os.open(entry, os.O_WRONLY)
        try:
            os.write(descriptor, b"0")
        finally:
            os.close(descriptor)


def _limit_second(folder: Path, cpu: int, memory: int) -> RunnerCgroups:
    if memory:
        (folder / "memory.max").write_text(str(memory * _MEGABYTE))
        _if_there(folder / "memory.swap.max", "0")
        # The result of a command that lost one of its processes cannot be trusted.
        _if_there(folder / "memory.oom.group", "1")
    if cpu:
        (folder / "cpu.max").write_text(f"{cpu * _PERIOD // 1000} {_PERIOD}")
    (folder / "pids.max").write_text(str(_MOST_PROCESSES))
    return RunnerCgroups([folder], [str(folder / "cgroup.procs")], folder / "memory.events")


def _limit_first(folders: dict[str, Path], cpu: int, memory: int) -> RunnerCgroups:
    if memory:
        (folders["memory"] / "memory.limit_in_bytes").write_text(str(memory * _MEGABYTE))
        _if_there(folders["memory"] / "memory.memsw.limit_in_bytes", str(memory * _MEGABYTE))
    if cpu:
        (folders["cpu"] / "cpu.cfs_period_us").write_text(str(_PERIOD))
        (folders["cpu"] / "cpu.cfs_quota_us").write_text(str(cpu * _PERIOD // 1000))
    (folders["pids"] / "pids.max").write_text(str(_MOST_PROCESSES))
    entries = [str(folder / "cgroup.procs") for folder in folders.values()]
    return RunnerCgroups(list(folders.values()), entries, folders["memory"] / "memory.oom_control")


def _if_there(file: Path, content: str) -> None:
    """Writes to a file that kernels built without the feature lack."""
    if file.exists():
        file.write_text(content)


def _remove_group(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
