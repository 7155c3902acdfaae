"""Pools: where runners come from."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from cadence.domain.pool_policy import Policy
from cadence.domain.step import Next, Step

# The provider whose runners are offered to machines that joined a pool by themselves.
HOST = "host"
# Every provider has a folder in `cadence/providers`, a Lambda `provider_<name>`, and a schema in `schemas/pool-settings`.
PROVIDERS: tuple[str, ...] = (
    HOST,
    "aws_ec2",
    "aws_fargate",
    "azure",
    "gcp",
    "github_actions",
    "gitlab",
    "kubernetes",
    "openstack",
    "scaleway",
    "vsphere",
)


# Settings that pools of every provider may have, or most.
_OF_ALL = frozenset({"boot", "melodium"})


def provider_function(prefix: str, provider: str) -> str:
    """The name of a provider's Lambda; `prefix` is what the names of all of them begin with."""
    return prefix + provider.replace("_", "-")


@dataclass(frozen=True)
class LargestRunner:
    """What the largest runner of a pool has (millicores, MB), and whether it can run container images; `None` is not known."""

    cpu: int | None = None
    memory: int | None = None
    storage: int | None = None
    images: bool | None = None


@dataclass(frozen=True)
class Price:
    """What an hour of a runner costs. `currency` is a code of ISO 4217."""

    per_hour: float
    currency: str = "USD"


@dataclass(frozen=True)
class Pool:
    """`settings` are the provider's own (schemas/pool-settings); `boot_deadline` in seconds counts from when the infrastructure has begun.

    `max_runners` is how many it may give at a time (None: as many as it has). `price` is what metrics of cost are made from.
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
    price: Price | None = None
    policy: Policy = field(default_factory=Policy)

    @property
    def own_settings(self) -> Mapping[str, Any]:
        """Those of its provider alone."""
        return {name: value for name, value in self.settings.items() if name not in _OF_ALL}

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
    priority: int = 0

    def as_json(self) -> Mapping[str, Any]:
        return asdict(self) | {"decided_at": self.decided_at.isoformat(), "exhausted": list(self.exhausted)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Placement":
        times = {"decided_at": datetime.fromisoformat(data["decided_at"])}
        return cls(**{**data, **times, "exhausted": tuple(data["exhausted"])})

    def step(self) -> Mapping[str, Any]:
        """To be launched next, by the state machine."""
        launch = Step(Next.LAUNCH, self.attempt, function=self.function, runner_id=self.runner_id)
        return {**launch.as_json(), "placement": self.as_json()}
