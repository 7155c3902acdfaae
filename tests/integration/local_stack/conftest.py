"""A local stack with the real supervisor and MiniStack, and templates small enough to start in a second."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cadence.local.shared.connection import StackConnection
from cadence.local.shared.paths import StackPaths
from cadence.local.supervision import control, processes
from cadence.local.supervision.processes import ProcessIdentity
from cadence.local.supervision.record import StackRecord, read_record
from cadence.local.supervision.supervisor import StackOptions

# The environment's own Python, so that the package is found as in every other program of the project.
SUPERVISOR = (sys.executable, str(Path(__file__).parent / "echo_supervisor.py"))


@dataclass
class EchoStack:
    """The stack of one temporary folder; `said` is everything the user was told."""

    folder: Path
    said: list[str] = field(default_factory=list)
    supervisors: "list[subprocess.Popen[bytes]]" = field(default_factory=list)
    ids: set[str] = field(default_factory=set)

    @property
    def paths(self) -> StackPaths:
        return StackPaths.of(self.folder)

    @property
    def words(self) -> str:
        return "\n".join(self.said)

    def up(self, port: int = 0, *, attached: bool = False) -> StackConnection:
        options = StackOptions(self.folder, port)
        connection, supervisor = control.up(options, self.said.append, attached=attached, supervisor=SUPERVISOR)
        if supervisor is not None:
            self.supervisors.append(supervisor)
        self.record()
        return connection

    def down(self) -> bool:
        stopped = control.down(self.folder, self.said.append)
        for supervisor in self.supervisors:
            supervisor.wait(120)
        return stopped

    def record(self) -> StackRecord:
        record = read_record(self.paths)
        assert record is not None
        self.ids.add(record.id)
        return record

    def process(self, name: str) -> ProcessIdentity:
        return next(process for process in self.record().processes if process.name == name)

    def alive(self) -> list[ProcessIdentity]:
        """Every process that belongs or belonged to this stack, zombies aside."""
        return [process for stack_id in self.ids for process in processes.marked(stack_id)]


@contextmanager
def running_echo(folder: Path) -> Iterator[EchoStack]:
    """A stack that is stopped at the end, whatever the test did to it."""
    stack = EchoStack(folder)
    yield stack
    for supervisor in stack.supervisors:
        if supervisor.poll() is None:
            supervisor.terminate()
        supervisor.wait(120)
        if supervisor.stdin:
            supervisor.stdin.close()
    stack.down()
    processes.end(stack.alive(), 1.0)


@pytest.fixture
def echo(tmp_path: Path) -> Iterator[EchoStack]:
    with running_echo(tmp_path) as stack:
        yield stack
