"""The contract of every infrastructure. One instance serves one pool.

No call waits for a machine to start or to end; "not yet" is an answer (`MachineCondition.STARTING`). All that is
created is named after the runner's id and carries its owner, its pool and its expiry, so that a repeated `start` adopts
what the first created, and the sweeper finds what the table has lost.

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
from cadence.providers.circuit import SharedCircuit


@dataclass(frozen=True, kw_only=True)
class RunnerNeeds:
    """The requirements of a treatment: millicores, MB. None: no requirement."""

    cpu: int | None = None
    memory: int | None = None
    storage: int | None = None
    arch: str | None = None
    image: str | None = None


@dataclass(frozen=True, kw_only=True)
class Containers:
    """The containers that a runner needs, for infrastructures that make them.

    Others leave them to the agent's own container engine. The command runs in one of `image`, if there is one, with
    `volumes` (names, and where they are mounted). Of a Mélodium worker `worker` has the containers. `engine`: the
    runner starts a Mélodium engine.
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
    """The URL that a machine gets the agent from, and the SHA-256 (hex) that it must have."""

    url: str
    sha256: str


@dataclass(frozen=True)
class CallHome:
    """The data that a machine needs to reach the control plane.

    It is the same in each repetition for one runner, so that the machine of an earlier `start` is adopted with it.
    `engine` is the Mélodium engine (the program, or a compressed archive that holds it), if the treatment needs it.
    """

    gateway_url: str
    one_time_token: str = field(repr=False)
    agent: AgentFile
    engine: AgentFile | None = None


@dataclass(frozen=True, kw_only=True)
class RunnerRequest:
    """The request to start one runner.

    From `expires_at` on it is an orphan in any case; the time is one of its tags. `home` is None for infrastructures of
    self-registered hosts, which get their tokens when they claim the work.
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
    """The condition of a machine."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    GONE = "gone"


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One machine of this pool as the infrastructure's own inventory has it.

    `ref` is the reference for `describe` and `stop`, `runner_id` the runner in its name or tags, `offer` what it was
    bought as (instance type, zone, spot or not), `price_per_hour` the price by the infrastructure or the pool's
    settings. `reason` is why it is in this condition, in the infrastructure's words.
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
    """The result of one check of a probe.

    `what` is its subject (credentials, quota, image, network, permissions…), `missing` what is missing (None: nothing).
    """

    what: str
    missing: str | None = None
    hint: str | None = None


class PacedCalls(Protocol):
    """Calls to an infrastructure's API within its rate limit, over all processes of the installation."""

    def call(self, api: LimitedApi, calls: int = 1) -> None:
        """Waits before each call that is not a start, for at most a second. Raises Transient with `retry_after`."""

    def refused(self, api: LimitedApi, retry_after: float | None = None) -> None:
        """Reports that `api` has refused for too many calls: all callers pause."""


class Unhurried:
    """Implements `PacedCalls` for APIs without a rate limit."""

    def call(self, api: LimitedApi, calls: int = 1) -> None:
        return

    def refused(self, api: LimitedApi, retry_after: float | None = None) -> None:
        return


@dataclass(frozen=True, kw_only=True)
class ProviderContext:
    """The part of the installation that each provider gets.

    `installation` is part of every tag of ownership: another one in the same account never touches its machines.
    `back_offs` say which offers are not requested, `claims` which runner has a machine that was made in advance.
    """

    installation: str
    clock: Clock
    back_offs: BackOffs
    calls: PacedCalls = field(default_factory=Unhurried)
    claims: Claims | None = None
    identity: Identity | None = None  # None: the installation has no identity

    def circuit(self, pool: Pool) -> SharedCircuit:
        return SharedCircuit(kept=self.back_offs, organization=pool.organization, pool=pool.name, clock=self.clock)


class Provider(Protocol):
    """Starts, describes and ends the machines of one pool."""

    @property
    def first_state(self) -> RunnerState:
        """The state of a runner that was requested: `OFFERED` if it may have to wait for room, else `BOOTING`."""

    def start(self, request: RunnerRequest) -> str:
        """Requests a runner and returns its reference: a string with which `describe` and `stop` find it again.

        The reference must be derivable from the runner's id, or be found by it: callers that stop a runner know only
        the id. If an infrastructure reports later whether it has room, this raises NotReady, and the repetition adopts
        or goes on.
        """

    def describe(self, ref: str) -> Machine:
        """Returns the machine; a missing one is `GONE`. `ref` may be the runner's id."""

    def stop(self, ref: str) -> None:
        """Ends the machine. Success also if it is missing, or has ended. `ref` may be the runner's id."""

    def list_owned(self) -> Sequence[Machine]:
        """Returns all of this pool that exists and costs, also what the table does not know."""

    def probe(self) -> Sequence[Check]:
        """Checks whether the pool could start runners, without starting any.

        Refusals of the infrastructure become checks, not errors.
        """

    def console(self, ref: str) -> str | None:
        """Returns the end of the machine's boot output (at most 16 KiB), to find out why it did not call home.

        None if there is none.
        """


@runtime_checkable
class Paced(Protocol):
    """A provider whose infrastructure limits the rate of starts."""

    @property
    def start_api(self) -> LimitedApi:
        """The API that each start calls once; waiting for it costs nothing.

        `start` itself does not call `PacedCalls` for it again.
        """


@runtime_checkable
class EndsItself(Protocol):
    """A provider whose machines end by themselves once their agent has ended."""

    @property
    def ends_itself(self) -> bool:
        """Whether releasing a runner with a result needs no call: the sweeper ends those that remain."""


@runtime_checkable
class Warming(Protocol):
    """A provider that can keep machines ready for later runners."""

    def keep_warm(self, ready: int, stopped: int) -> None:
        """Makes or ends machines without a runner until there are so many.

        They have an expiry, after which no runner gets them, and `list_owned` has them with an empty `runner_id`.
        Called every few minutes.
        """


Credentials = Mapping[str, str]
"""A pool's secret, decrypted, by key (`token`, `access_key`…): never logged, never in an error."""

Build = Callable[[Pool, Credentials, ProviderContext], Provider]
"""Makes the provider of a pool. It is kept for a while and serves many calls, so it may keep sessions."""
