"""A host asks for work when a runner ends only if the control plane has something to learn, or work may wait."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from runner_bootstrap.agent.hosts.host_settings import HostSettings
from runner_bootstrap.agent.hosts.runner_processes import RunnerProcesses


class PlayedForkServer:
    """Starts nothing; a test tells which runners end, and whether well."""

    def __init__(self) -> None:
        self.ends: queue.Queue[Any] = queue.Queue()

    def start(self, name: str, arguments: Sequence[str], stdin: int) -> None:
        pass

    def next_ended(self) -> Any:
        return self.ends.get()


class Played:
    def __init__(self, slots: int, folder: Path) -> None:
        settings = HostSettings(
            gateway="http://localhost",
            pool="near",
            name="host",
            state=folder / "state.json",
            slots=slots,
            grace_seconds=1.0,
            workspaces=folder,
            hidden=[],
            shown=[],
            labels={},
            cgroups=None,
        )
        self.changed = Changes()
        self.server = PlayedForkServer()
        self.processes = RunnerProcesses(settings, self.server, self.changed)  # type: ignore[arg-type]
        self.changed.lost = lambda: self.processes.fork_server_lost

    def tells(self, name: str, *, well: bool = True) -> bool:
        """Lets a runner end, then the fork server, which is always told; returns whether the host is told of both."""
        self.server.ends.put((name, well))
        self.server.ends.put(None)
        self.changed.ended.acquire(timeout=60)
        return len(self.changed.told) == 2


class Changes(threading.Event):
    """Notes how often it is set, and when the fork server's end was told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[bool] = []
        self.ended = threading.Semaphore(0)
        self.lost = lambda: False

    def set(self) -> None:
        self.told.append(self.lost())
        super().set()
        if self.told[-1]:
            self.ended.release()


@pytest.fixture
def played(tmp_path: Path) -> Played:
    host = Played(slots=3, folder=tmp_path)
    for name in ("a", "b"):
        host.processes.start(name, "token")
    return host


def test_a_runner_that_ends_well_beside_free_slots_is_not_told(played: Played) -> None:
    assert not played.tells("a")
    assert played.processes.running == ["b"]


def test_a_runner_that_is_killed_is_told(played: Played) -> None:
    assert played.tells("a", well=False)


def test_the_end_of_a_runner_of_a_full_host_is_told(played: Played) -> None:
    played.processes.start("c", "token")
    assert played.tells("a")


def test_every_end_is_told_to_a_host_that_leaves(played: Played) -> None:
    played.processes.leaving = True
    assert played.tells("a")
