"""Runners: one per attempt of a treatment, with a one-time token, a session and a lease."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from cadence.domain.placement.offer import RunnerOffer
from cadence.domain.runners.resources import ResourceSample
from cadence.domain.shared.errors import Gone
from cadence.domain.values.value_retention import ValueRetention


class RunnerState(StrEnum):
    """The state of a runner; its transitions are in `runner_life`."""

    OFFERED = "offered"  # requested; the infrastructure has not begun yet (waiting for a host's slot)
    BOOTING = "booting"  # the infrastructure has begun; the boot deadline runs
    CLAIMED = "claimed"  # the agent called home and holds a lease
    COMPLETED = "completed"  # its result is in
    LOST = "lost"  # lease or boot deadline missed; every later call of it is refused
    RELEASED = "released"

    @property
    def live(self) -> bool:
        """Whether the runner may still run or come to run."""
        return self in {RunnerState.OFFERED, RunnerState.BOOTING, RunnerState.CLAIMED}


class RunnerOutcome(StrEnum):
    """The outcome of an attempt, as its agent reports it."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INFRASTRUCTURE = "infrastructure"
    INTERRUPTED = "interrupted"  # its machine was to be taken away, and the agent was notified in time
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"


@dataclass(frozen=True, kw_only=True)
class RunnerResult:
    """The agent's final report. `error` is one sentence, already masked.

    `usage` holds peaks (cpu_seconds, memory_mb…). `image_digest` is that of the image the command ran in; `samples` are
    the last ones, which no heartbeat has reported.
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
    """The addresses where a runner's engine accepts connections, as they are called on its own machine.

    `machine` names that machine and its network: programs with the same one reach the addresses directly.
    """

    addresses: tuple[str, ...]
    port: int
    machine: str


@dataclass(frozen=True)
class RunnerShell:
    """The right of one user to a shell on a runner: the token that asked for it, and whom records name."""

    token_id: str
    by: str


@dataclass(frozen=True, kw_only=True)
class Runner:
    """The machine of one attempt. Token fields hold hashes.

    `task_token` is no hash: the state machine of the treatment waits on it until the attempt has ended.
    """

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
    secret_versions: Mapping[str, int] = field(
        default_factory=dict
    )  # the versions it was given, by the secret's reference
    boot_phases: Mapping[str, float] = field(default_factory=dict)  # seconds since its machine's first program began
    placed_at: datetime | None = None  # when the placement that launches it was decided: a later one wins
    sealed_token: str | None = field(default=None, repr=False)  # the one-time token, encrypted, until it is claimed
    ref: str | None = None  # the infrastructure's id of its machine
    turn_at: datetime | None = (
        None  # when it may be requested, if the rate limit of the infrastructure's API is reached
    )
    console: str | None = None  # what its machine printed, if it never called home
    held_until: datetime | None = None  # its machine is kept until then, to look into its failure
    machine_expires_at: datetime | None = None  # from then on its machine is an orphan
    listening: EngineEndpoint | None = None
    offer: str | None = None  # the offer that its infrastructure sold it as, once that is known
    per_hour: float | None = None  # the price of that offer; until it is known, the price expected at the placement
    currency: str | None = None
    # By pool: its tokens of pools that it has left, valid again should it come back.
    left_tokens: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict, repr=False)
    retention: ValueRetention | None = None  # of the values that it sends
    engine: str | None = None  # the Mélodium engine that its machine needs: a version, or * for any
    shells: Mapping[str, RunnerShell] = field(default_factory=dict)  # by id, the oldest first

    @property
    def as_offer(self) -> RunnerOffer:
        """The offer of it to the hosts of its pool."""
        return RunnerOffer(self.runner_id, self.project, self.priority, self.engine)

    def is_ending(self, now: datetime) -> bool:
        """Whether its engine was asked to end and has time left to report what it has."""
        asked = self.engine is not None and self.state is RunnerState.CLAIMED and self.cancel_reason is not None
        limits = [moment for moment in (self.deadline, self.lease_until) if moment is not None]
        return asked and bool(limits) and now < min(limits)

    def delivers_lines(self, now: datetime) -> bool:
        """Whether lines are still accepted of the session that claimed it.

        Once its attempt is over, that is until its last lease ends: its agent has yet to hear of the end, and then
        sends the lines that the command wrote before.
        """
        if self.state in {RunnerState.CLAIMED, RunnerState.COMPLETED}:
            return True
        return not self.state.live and self.lease_until is not None and now < self.lease_until

    @property
    def stopped_because(self) -> str | None:
        """Why its agent has to stop, if the attempt was ended without its result."""
        if self.state not in {RunnerState.LOST, RunnerState.RELEASED} or self.result is not None:
            return None
        return self.cancel_reason or _over(self)

    @property
    def image_digest(self) -> str | None:
        """The digest of the image that the command ran in, once the runner has reported it."""
        return self.result.image_digest if self.result else None


def session_over(runner: Runner) -> Gone:
    """Returns the error for the agent of a runner that is over, or was cancelled: it has the reason for that."""
    reason = {"cancel": runner.cancel_reason} if runner.cancel_reason else {}
    return Gone(_over(runner), state=str(runner.state), **reason)


def _over(runner: Runner) -> str:
    state = "no longer wanted" if runner.state.live else str(runner.state)
    return f"Runner {runner.runner_id} is {state}: {runner.cancel_reason or 'stop its work.'}"


@dataclass(frozen=True, kw_only=True)
class OutputStream:
    """The progress of one output of an attempt, and whether it has ended."""

    port: str
    committed: int = 0  # chunks
    size: int = 0  # bytes
    ended: bool = False
    sha256: str | None = None
    preview: bytes = b""
