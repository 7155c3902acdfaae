"""Pools: where runners come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class LargestRunner:
    """What the largest runner of a pool has (millicores, MB), and whether it can run container images; `None` is not known."""

    cpu: int | None = None
    memory: int | None = None
    storage: int | None = None
    images: bool | None = None


@dataclass(frozen=True)
class Pool:
    """`settings` are the provider's own (schemas/pool-settings); `boot_deadline` in seconds counts from when the infrastructure has begun.

    `max_runners` is how many it may give at a time (None: as many as it has).
    """

    organization: str
    name: str
    provider: str
    boot_deadline: int = 120
    architectures: tuple[str, ...] = ("amd64",)
    projects: tuple[str, ...] = ("*",)
    settings: Mapping[str, Any] = field(default_factory=dict)
    max_runners: int | None = None
    largest: LargestRunner = LargestRunner()

    def serves(self, project: str) -> bool:
        return "*" in self.projects or project in self.projects


@dataclass(frozen=True)
class Placement:
    """The decision for one attempt: `function` is the provider's Lambda, `exhausted` the pools that had no room for it."""

    pool: str
    provider: str
    function: str
    runner_id: str
    attempt: int
    boot_deadline: int
    reason: str
    decided_at: datetime
    exhausted: tuple[str, ...] = ()
