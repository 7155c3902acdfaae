"""Runners: one per attempt of a treatment, with a one-time token, a session and a lease."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from cadence.domain.placement.offer import RunnerOffer
from cadence.domain.runners.resources import ResourceSample
from cadence.domain.values.value_retention import ValueRetention


class RunnerState(StrEnum):
    OFFERED = "offered"  # asked for; the infrastructure has not begun yet (waiting for a host's slot)
    BOOTING = "booting"  # the infrastructure has begun; the boot deadline runs
    CLAIMED = "claimed"  # the agent called home and holds a lease
    COMPLETED = "completed"  # its result is in
    LOST = "lost"  # lease or boot deadline missed; every later call of it is refused
    RELEASED = "released"

    @property
    def live(self) -> bool:
        return self in {RunnerState.OFFERED, RunnerState.BOOTING, RunnerState.CLAIMED}


class RunnerOutcome(StrEnum):
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INFRASTRUCTURE = "infrastructure"
    INTERRUPTED = "interrupted"  # its machine was to be taken away, and it was told in time
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"


@dataclass(frozen=True, kw_only=True)
class RunnerResult:
    """What the agent said at the end. `error` is one sentence, already masked; `usage` holds peaks (cpu_seconds, memory_mb…).

    `image_digest` is that of the image the command ran in; `samples` are the last ones, which no heartbeat had told.
    """

    outcome: RunnerOutcome
    exit_code: int | None = None
    signal: int | None = None
    error: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    logs_through: int = 0
    usage: Mapping[str, float] = field(default_factory=dict)
    image_digest: str | None = None
    samples: tuple[ResourceSample, ...] = ()


@dataclass(frozen=True)
class EngineEndpoint:
    """Where a runner's engine accepts connections: addresses as they are called on its own machine.

    `machine` names that machine and its network: who has the same one reaches the addresses directly.
    """

    addresses: tuple[str, ...]
    port: int
    machine: str


@dataclass(frozen=True, kw_only=True)
class Runner:
    """Everything known of one attempt's machine. Token fields hold hashes, except `task_token`: its treatment's machine waits on it until the attempt has ended."""

    runner_id: str
    run_id: str
    treatment: str
    attempt: int
    organization: str
    project: str
    pool: str
    provider: str
    state: RunnerState
    created_at: datetime
    boot_deadline: int = 120
    one_time_hash: str | None = None
    nonce_hash: str | None = None
    session_hash: str | None = None
    host_id: str | None = None
    booting_at: datetime | None = None
    claimed_at: datetime | None = None
    lease_until: datetime | None = None
    deadline: datetime | None = None
    task_token: str | None = field(default=None, repr=False)
    cancel_reason: str | None = None
    result: RunnerResult | None = None
    phase: str | None = None
    peaks: Mapping[str, float] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    priority: int = 0
    secret_versions: Mapping[str, int] = field(default_factory=dict)  # what it was given, by the secret's name
    boot_phases: Mapping[str, float] = field(default_factory=dict)  # seconds since its machine's first program began
    placed_at: datetime | None = None  # when the placement was decided that it is launched by: a later one wins
    sealed_token: str | None = field(default=None, repr=False)  # the one-time token, encrypted, until it is claimed
    ref: str | None = None  # what the infrastructure calls its machine
    turn_at: datetime | None = None  # when it may be asked for, if the infrastructure's API is called too much
    console: str | None = None  # what its machine printed, if it never called home
    held_until: datetime | None = None  # its machine is kept, for whoever looks into its failure
    machine_expires_at: datetime | None = None  # from then on its machine is an orphan
    listening: EngineEndpoint | None = None
    offer: str | None = None  # what its infrastructure sold it as, once that is known
    per_hour: float | None = None  # what that costs; until it is known, what was expected at the placement
    currency: str | None = None
    # By pool: its tokens of pools that it has left, good again should it come back.
    left_tokens: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict, repr=False)
    retention: ValueRetention | None = None  # of what it sends
    engine: str | None = None  # the Mélodium engine that its machine needs: a version, or * for any

    @property
    def as_offer(self) -> RunnerOffer:
        return RunnerOffer(self.runner_id, self.project, self.priority, self.engine)

    @property
    def image_digest(self) -> str | None:
        """Of the image that the command ran in, once the runner has told."""
        return self.result.image_digest if self.result else None


@dataclass(frozen=True, kw_only=True)
class OutputStream:
    """One attempt's output: how far it got, and whether it ended."""

    port: str
    committed: int = 0  # chunks
    size: int = 0  # bytes
    ended: bool = False
    sha256: str | None = None
    preview: bytes = b""
