"""A local stack for one benchmark: in a temporary folder, on free ports, ended with it."""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from cadence.cli.client.client import Client
from cadence.cli.client.runs import is_final
from cadence.local.ministack.server import MiniStack
from cadence.local.shared.account_key import AccountKey
from cadence.local.shared.connection import StackConnection
from cadence.local.shared.paths import StackPaths
from cadence.local.supervision import control
from cadence.local.supervision.record import read_record
from cadence.local.supervision.supervisor import StackOptions

T = TypeVar("T")
LONGEST_SECONDS = 900.0
"""After which a benchmark gives up; a bound on a hang, not a measure."""


@dataclass(frozen=True)
class Stack:
    """A serving stack and a client of it."""

    connection: StackConnection
    client: Client
    paths: StackPaths

    @property
    def ministack(self) -> MiniStack:
        """The simulated account, as its root sees it."""
        return MiniStack(int(self.connection.aws_endpoint.rpartition(":")[2]), AccountKey.kept(self.paths))

    def pid_of(self, name: str) -> int:
        """The process of a part, as the stack's record names it."""
        record = read_record(self.paths)
        assert record is not None
        return next(process.pid for process in record.processes if process.name == name)

    def finished(self, run_id: str, look_every: float = 0.2, longest: float = LONGEST_SECONDS) -> dict[str, Any]:
        """The run in its final state; raises unless it succeeded, or if it takes more than `longest` seconds."""
        run = until(lambda: _ended(self.client.run(run_id)), look_every, longest)
        if run["state"] != "succeeded":
            raise RuntimeError(f"run {run_id} {run['state']}: {run['cause']}")
        return run


@contextmanager
def local_stack(supervisor: Sequence[str] = control.SUPERVISOR, *, enforce_iam: bool = True) -> Iterator[Stack]:
    """Start one, answer it when it serves, and take it down again; what it says goes to stderr."""
    with tempfile.TemporaryDirectory(prefix="cadence-bench-") as name:
        folder = Path(name)
        options = StackOptions(folder, port=0, enforce_iam=enforce_iam)
        connection, process = control.up(options, _tell, attached=True, supervisor=supervisor)
        assert process is not None
        try:
            client = Client(connection.url, connection.token, timeout=60)
            yield Stack(connection, client, StackPaths.of(folder))
        finally:
            control.down(folder, _tell)
            process.wait(30)
            if process.stdin is not None:
                process.stdin.close()


def until(look: Callable[[], T | None], every: float = 0.02, longest: float = LONGEST_SECONDS) -> T:
    """What `look` answers, once it answers something."""
    deadline = time.monotonic() + longest
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(every)
    raise TimeoutError(f"still not there after {longest:.0f} s")


def moment(text: str) -> float:
    """Seconds since 1970 of a time as the API writes it."""
    return datetime.fromisoformat(text).timestamp()


def _ended(run: dict[str, Any]) -> dict[str, Any] | None:
    return run if is_final(run["state"]) else None


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
