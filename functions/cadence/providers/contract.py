"""What every infrastructure offers. One instance serves one pool.

No call waits for a machine to come up or to go away; "not yet" is an answer (`Condition.STARTING`). Whatever is
created is named after the runner's id and carries its owner, its pool and its expiry, so that a repeated `start` adopts
what the first created, and the sweeper finds what nobody remembers.

Errors are decisions: `Transient` (call again, after `retry_after`), `NotReady` (call again later), `CapacityExhausted`
(try the next pool), `ProviderRejected` (never works like this). Each message holds the infrastructure's own words.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from cadence.application.placement.back_offs import BackOffs
from cadence.application.placement.ports import Claims, Identity
from cadence.application.shared.ports import Clock
from cadence.domain.melodium.specification import WorkerSpec
from cadence.domain.pipelines.specification import ServiceSpec
from cadence.domain.placement.pacing import LimitedApi
from cadence.domain.placement.pool import Pool
from cadence.domain.runners.runner import RunnerState
from cadence.providers.circuit import Circuit, SharedCircuit


@dataclass(frozen=True, kw_only=True)
class RunnerNeeds:
    """What the treatment asks of its runner: millicores, MB. `None`: no matter."""

    cpu: int | None = None
    memory: int | None = None
    storage: int | None = None
    arch: str | None = None
    image: str | None = None


@dataclass(frozen=True, kw_only=True)
class Containers:
    """What containers a runner is to have, for infrastructures that make them; others leave them to the agent's own container engine.

    The command runs in one of `image`, if there is one, with `volumes` (names, and where they are mounted). Of a Mélodium
    worker `worker` has the containers. `engine`: the runner starts a Mélodium engine.
    """

    image: str | None = None
    services: tuple[ServiceSpec, ...] = ()
    volumes: Mapping[str, str] = field(default_factory=dict)
    worker: WorkerSpec | None = None
    engine: bool = False

    @property
    def beside(self) -> bool:
        """Whether there are containers beside that of the agent or command."""
        return bool(self.services or (self.worker and self.worker.all_containers))


@dataclass(frozen=True)
class AgentFile:
    """Where a machine gets the agent from, and the SHA-256 (hex) that it must have."""

    url: str
    sha256: str


@dataclass(frozen=True)
class CallHome:
    """What a machine needs to reach the control plane. The same in each repetition for one runner, so that what an earlier `start` made is adopted with it.

    `engine` is the Mélodium engine (the program, or a compressed archive that holds it), if the treatment needs it.
    """

    gateway_url: str
    one_time_token: str = field(repr=False)
    agent: AgentFile
    engine: AgentFile | None = None


@dataclass(frozen=True, kw_only=True)
class RunnerRequest:
    """One runner to be started. `expires_at` is when it is an orphan, whoever still wants it; it goes into its tags.

    `home` is `None` for infrastructures whose machines have joined by themselves and are handed their tokens there.
    """

    runner_id: str
    boot_deadline: int  # seconds from when the infrastructure has begun
    run_id: str = ""
    treatment: str = ""
    project: str = ""
    needs: RunnerNeeds = RunnerNeeds()
    max_duration: int = 3_600  # seconds
    expires_at: datetime | None = None
    home: CallHome | None = None
    containers: Containers = Containers()


class MachineCondition(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    GONE = "gone"


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One thing of this pool as the infrastructure's own inventory has it.

    `ref` is what `describe` and `stop` take, `runner_id` what its name or tags say, `offer` what it was bought as
    (instance type, zone, spot or not), `price_per_hour` what the infrastructure or the pool's settings say it costs.
    `reason` is why it is in this condition, in the infrastructure's words.
    """

    ref: str
    runner_id: str
    condition: MachineCondition
    created_at: datetime | None = None
    expires_at: datetime | None = None
    offer: str | None = None
    price_per_hour: float | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Check:
    """One thing that a probe looked at: `what` (credentials, quota, image, network, permissions…), and what is missing (`None`: nothing)."""

    what: str
    missing: str | None = None
    hint: str | None = None


class PacedCalls(Protocol):
    """Calls to an infrastructure's API at a pace that it bears, over all processes of the installation (`Pacer`)."""

    def call(self, api: LimitedApi, calls: int = 1) -> None:
        """Before each call that is not a start: waits for at most a second. Raises Transient with `retry_after`."""

    def refused(self, api: LimitedApi, retry_after: float | None = None) -> None:
        """`api` answered that it is asked too much: everybody pauses."""


class Unhurried:
    """`Calls` to what may be called as often as anybody likes."""

    def call(self, api: LimitedApi, calls: int = 1) -> None:
        return

    def refused(self, api: LimitedApi, retry_after: float | None = None) -> None:
        return


@dataclass(frozen=True, kw_only=True)
class ProviderContext:
    """What the installation gives each provider. `installation` goes into every tag of ownership: another one in the same account never touches its machines. `back_offs` are which offers are not asked for,
    `claims` whose machines are that were made in advance."""

    installation: str
    clock: Clock
    back_offs: BackOffs
    calls: PacedCalls = field(default_factory=Unhurried)
    claims: Claims | None = None
    identity: Identity | None = None  # None: it has none to show

    def circuit(self, pool: Pool) -> Circuit:
        return SharedCircuit(kept=self.back_offs, organization=pool.organization, pool=pool.name, clock=self.clock)


class Provider(Protocol):
    @property
    def first_state(self) -> RunnerState:
        """State of a runner that was asked for: `OFFERED` if it may have to wait for room, else `BOOTING`."""

    def start(self, request: RunnerRequest) -> str:
        """Asks for a runner and returns its reference: a string from which `describe` and `stop` find it again.

        It must be derivable from the runner's id, or be found by it: whoever stops knows the id only.
        Where an infrastructure tells only later whether it has room, `NotReady` says so, and the repetition adopts or goes on.
        """

    def describe(self, ref: str) -> Machine:
        """A missing one is `GONE`. `ref` may be the runner's id."""

    def stop(self, ref: str) -> None:
        """Ends it. Stopping what is missing, or has ended, is success. `ref` may be the runner's id."""

    def list_owned(self) -> Sequence[Machine]:
        """Everything of this pool that exists and costs, also what nobody remembers."""

    def probe(self) -> Sequence[Check]:
        """Looks, without starting anything, whether the pool could start runners. Raises nothing that a check can say."""

    def console(self, ref: str) -> str | None:
        """The last of what the machine printed while it booted (at most 16 KiB), to tell why it did not call home; `None` if there is nothing to be had."""


@runtime_checkable
class Paced(Protocol):
    """What a provider says beside, if its infrastructure bears only so many starts."""

    @property
    def start_api(self) -> LimitedApi:
        """A start takes one call of it; who has to wait for it costs nothing meanwhile. `start` itself does not ask `Calls` for it again."""


@runtime_checkable
class EndsItself(Protocol):
    """What a provider says beside, if its machines go by themselves once their agent is done."""

    @property
    def ends_itself(self) -> bool:
        """Releasing a runner whose result is in costs no call: the sweeper ends those that have not gone."""


@runtime_checkable
class Warming(Protocol):
    """What a provider does beside, if it can keep machines ready for runners that are still to come."""

    def keep_warm(self, ready: int, stopped: int) -> None:
        """Makes or ends machines without a runner until there are so many. They have an expiry, after which no runner gets them, and `list_owned` tells them with an empty `runner_id`. Called every few minutes."""


Credentials = Mapping[str, str]
"""A pool's secret, decrypted, by key (`token`, `access_key`…): never logged, never in an error."""

Build = Callable[[Pool, Credentials, ProviderContext], Provider]
"""Makes the provider of a pool. It is kept for a while and serves many calls, so it may keep sessions."""
