"""Pools: where runners come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class PoolLimits:
    """The largest runner of a pool (millicores, MB), whether it can run container images, and how many runners it has at a time.

    `None` is not known: documents are then not held against it.
    """

    cpu: int | None = None
    memory: int | None = None
    storage: int | None = None
    images: bool | None = None
    runners: int | None = None


@dataclass(frozen=True)
class Pool:
    """`settings` are the provider's own (schemas/pool-settings); `boot_deadline` in seconds counts from when the infrastructure has begun."""

    organization: str
    name: str
    provider: str
    boot_deadline: int = 120
    architectures: tuple[str, ...] = ("amd64",)
    projects: tuple[str, ...] = ("*",)
    settings: Mapping[str, Any] = field(default_factory=dict)
    limits: PoolLimits = PoolLimits()

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
