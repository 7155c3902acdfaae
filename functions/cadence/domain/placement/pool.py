"""Pools: the infrastructures that runners are taken from."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from cadence.domain.placement.pool_policy import Policy
from cadence.domain.scheduling.machine_step import MachineStep, NextState

# The provider whose runners are offered to self-registered hosts.
HOST = "host"
# Each has a folder in `cadence/providers`, a Lambda `provider_<name>`, and a schema in `schemas/pool-settings`.
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
    """Returns the name of a provider's Lambda; `prefix` is what all their names begin with."""
    return prefix + provider.replace("_", "-")


@dataclass(frozen=True)
class LargestRunner:
    """The size of the largest runner of a pool (millicores, MB), and whether it can run images; None is not known."""

    cpu: int | None = None
    memory: int | None = None
    storage: int | None = None
    images: bool | None = None


@dataclass(frozen=True)
class Price:
    """The price of an hour of a runner. `currency` is a code of ISO 4217."""

    per_hour: float
    currency: str = "USD"


@dataclass(frozen=True)
class HostIsolation:
    """What hosts do to keep treatments of others apart.

    `required`: no command runs without a sandbox or a container. `private_network`: none reaches the host's network.
    """

    required: bool
    private_network: bool


@dataclass(frozen=True, kw_only=True)
class Pool:
    """A pool of an organization. `settings` are the provider's own (schemas/pool-settings).

    `boot_deadline` in seconds counts from when the infrastructure has begun. `max_runners` is how many it may give at a
    time (None: as many as it has). `price` is what metrics of cost are made from.
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
    def currency(self) -> str:
        """The currency of all its prices."""
        return self.price.currency if self.price else "USD"

    @property
    def own_settings(self) -> Mapping[str, Any]:
        """The settings of its provider alone."""
        return {name: value for name, value in self.settings.items() if name not in _OF_ALL}

    @property
    def isolation(self) -> HostIsolation | None:
        """How its hosts keep treatments apart; None for providers that start a machine for each treatment."""
        if self.provider != HOST:
            return None
        several = "*" in self.projects or len(self.projects) > 1
        return HostIsolation(
            required=bool(self.settings.get("require_sandbox", several)),
            private_network=bool(self.settings.get("private_network", False)),
        )

    def serves(self, project: str) -> bool:
        """Returns whether treatments of the project may run in the pool."""
        return "*" in self.projects or project in self.projects


@dataclass(frozen=True)
class PoolRefusal:
    """A pool's refusal to launch an attempt, in its infrastructure's own words.

    `lasting`: it would refuse again.
    """

    pool: str
    words: str
    lasting: bool = False

    @property
    def told(self) -> str:
        """The pool and its words, for messages."""
        return f"{self.pool}: {self.words}"


@dataclass(frozen=True, kw_only=True)
class Placement:
    """The decision for one attempt: `function` is the provider's Lambda, `refusals` those of pools before it.

    `rounds` is how often all candidates have been asked in vain, `offers` what of the pool the treatment can use,
    `overcomes` the earlier refusals of the pool that end if this launch succeeds, `price` what is expected of it.
    """

    pool: str
    provider: str
    function: str
    runner_id: str
    attempt: int
    boot_deadline: int
    reason: str
    decided_at: datetime
    refusals: tuple[PoolRefusal, ...] = ()
    priority: int = 0
    rounds: int = 0
    offers: tuple[str, ...] = ()
    overcomes: tuple[str, ...] = ()
    price: Price | None = None

    def as_json(self) -> Mapping[str, Any]:
        """Returns the placement as JSON for the state machine."""
        return asdict(self) | {
            "decided_at": self.decided_at.isoformat(),
            "refusals": [asdict(refusal) for refusal in self.refusals],
            "offers": list(self.offers),
            "overcomes": list(self.overcomes),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Placement":
        """Returns the placement that `as_json` wrote."""
        read = {
            "decided_at": datetime.fromisoformat(data["decided_at"]),
            "refusals": tuple(PoolRefusal(**refusal) for refusal in data["refusals"]),
            "offers": tuple(data["offers"]),
            "overcomes": tuple(data["overcomes"]),
            "price": Price(**data["price"]) if data["price"] else None,
        }
        return cls(**{**data, **read})

    def step(self) -> MachineStep:
        """Returns the launch as the next step of the state machine."""
        return MachineStep(
            next=NextState.LAUNCH,
            attempt=self.attempt,
            function=self.function,
            runner_id=self.runner_id,
            placement=self.as_json(),
        )
