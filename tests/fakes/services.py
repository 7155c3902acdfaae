"""The other ports of scheduling, in memory."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cadence.domain import ids
from cadence.domain.errors import CadenceError, NotFound
from cadence.domain.pool import Pool


@dataclass
class ManualClock:
    """Stands still until it is moved."""

    now: datetime = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


Answer = Mapping[str, Any] | CadenceError


@dataclass
class MemoryMachines:
    """Keeps what it was told: executions started (once per name) and the first answer of each token."""

    runs: dict[str, int] = field(default_factory=dict)
    treatments: list[tuple[str, str]] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)

    def start_run(self, run_id: str, deadline_seconds: int, execution: int = 1) -> None:
        self.runs.setdefault(ids.run_execution(run_id, execution), deadline_seconds)

    def start_treatment(self, run_id: str, treatment: str) -> None:
        if (run_id, treatment) not in self.treatments:
            self.treatments.append((run_id, treatment))

    def succeed(self, task_token: str, output: Mapping[str, Any]) -> None:
        self.answers.setdefault(task_token, output)

    def fail(self, task_token: str, error: CadenceError) -> None:
        self.answers.setdefault(task_token, error)


@dataclass
class MemoryDocuments:
    contents: dict[str, bytes] = field(default_factory=dict)

    def put(self, content: bytes) -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        self.contents[sha256] = content
        return sha256

    def get(self, sha256: str) -> bytes:
        try:
            return self.contents[sha256]
        except KeyError:
            raise NotFound(f"document {sha256} is not kept") from None


@dataclass
class MemoryDeadlines:
    """Wake-ups asked for, in order."""

    runs: list[tuple[str, timedelta]] = field(default_factory=list)
    runners: list[tuple[str, timedelta]] = field(default_factory=list)

    def watch_run(self, run_id: str, after: timedelta) -> None:
        self.runs.append((run_id, after))

    def watch_runner(self, runner_id: str, after: timedelta, task_token: str | None = None) -> None:
        self.runners.append((runner_id, after))


@dataclass
class MemoryPools:
    pools: Sequence[Pool] = ()

    def get_pool(self, organization: str, name: str) -> Pool:
        for pool in self.list_pools(organization):
            if pool.name == name:
                return pool
        raise NotFound(f"there is no pool {name}")

    def list_pools(self, organization: str) -> Sequence[Pool]:
        return [pool for pool in self.pools if pool.organization == organization]


@dataclass
class MemoryLogStream:
    needs: int = 0

    def needed(self) -> None:
        self.needs += 1
