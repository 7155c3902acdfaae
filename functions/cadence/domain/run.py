"""Runs, their treatments, and the edges between them: what the scheduler knows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class RunState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"

    @property
    def final(self) -> bool:
        return self in _FINAL_RUN_STATES


_FINAL_RUN_STATES = frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED, RunState.TIMED_OUT})


class TreatmentState(StrEnum):
    PENDING = "pending"
    READY = "ready"
    PLACING = "placing"
    BOOTING = "booting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    LOST = "lost"
    TIMED_OUT = "timed_out"

    @property
    def final(self) -> bool:
        return self in _FINAL_TREATMENT_STATES


_FINAL_TREATMENT_STATES = frozenset(
    {
        TreatmentState.SUCCEEDED,
        TreatmentState.FAILED,
        TreatmentState.SKIPPED,
        TreatmentState.CANCELLED,
        TreatmentState.LOST,
        TreatmentState.TIMED_OUT,
    }
)
UNFINISHED_TREATMENT_STATES = frozenset(TreatmentState) - _FINAL_TREATMENT_STATES


class Trigger(StrEnum):
    """What of a producer a consumer waits for."""

    OPENED = "opened"
    COMPLETED = "completed"
    FAILED = "failed"
    FINISHED = "finished"

    def fired_by(self, state: TreatmentState) -> bool:
        """Whether a producer that settled in `state` delivers this trigger (it is dead otherwise)."""
        match self:
            case Trigger.COMPLETED | Trigger.OPENED:
                return state is TreatmentState.SUCCEEDED
            case Trigger.FAILED:
                return state in {TreatmentState.FAILED, TreatmentState.LOST, TreatmentState.TIMED_OUT}
            case Trigger.FINISHED:
                return state not in {TreatmentState.SKIPPED, TreatmentState.CANCELLED}


@dataclass(frozen=True)
class Run:
    """One execution of a pipeline. Times are UTC, durations seconds. `machine_token` and `stop_token` are never shown to anyone.

    `document_sha256` is the document as written, `plan_sha256` what admission works from (`cadence.domain.plan`).
    """

    run_id: str
    organization: str
    project: str
    pipeline: str
    state: RunState
    created_at: datetime
    document_sha256: str
    plan_sha256: str
    pipeline_version: int | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    event: Mapping[str, Any] = field(default_factory=dict)
    max_duration: int = 86_400
    started_at: datetime | None = None
    finished_at: datetime | None = None
    cause: str | None = None
    stop_requested: RunState | None = None
    unsettled: int | None = None
    machine_token: str | None = field(default=None, repr=False)
    stop_token: str | None = field(default=None, repr=False)
    created_by: str = "unknown"

    @property
    def machine_timeout(self) -> int:
        """Seconds after which its machine gives up by itself: a second net, so a little later than the watchdog."""
        return self.max_duration + 300


@dataclass(frozen=True)
class InputSpec:
    """An input port and the output that feeds it (`None` for none, when optional)."""

    port: str
    flow: str
    type: str
    source_treatment: str | None = None
    source_port: str | None = None


@dataclass(frozen=True)
class OutputSpec:
    port: str
    flow: str
    type: str


@dataclass(frozen=True)
class TreatmentSpec:
    """A treatment as admitted: immutable, complete, without secrets' values.

    Units: cpu in millicores, memory and storage in MB, durations in seconds. `secrets` maps environment name to secret name.
    """

    name: str
    run: str
    shell: str = "sh"
    image: str | None = None
    inputs: tuple[InputSpec, ...] = ()
    outputs: tuple[OutputSpec, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    pools: tuple[str, ...] = ()
    cpu: int | None = None
    memory: int | None = None
    storage: int | None = None
    arch: str | None = None
    max_duration: int = 3_600
    after: tuple[str, ...] = ()
    retry_infrastructure: int = 0
    retry_failure: int = 0


@dataclass(frozen=True)
class Treatment:
    """A treatment of a run, as it stands now. `waiting` counts the edges not yet delivered."""

    run_id: str
    name: str
    state: TreatmentState
    waiting: int
    attempt: int = 1
    failures: int = 0
    infrastructure_failures: int = 0
    cause: str | None = None
    exit_code: int | None = None
    pool: str | None = None
    ready_at: datetime | None = None
    placed_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


class EdgeState(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True)
class Edge:
    """One thing that `consumer` waits for from `producer`."""

    run_id: str
    producer: str
    consumer: str
    trigger: Trigger
    state: EdgeState = EdgeState.PENDING


@dataclass(frozen=True)
class Value:
    """What a settled treatment sent through one output port; `attempt` says which attempt's chunks hold it."""

    run_id: str
    treatment: str
    port: str
    flow: str
    type: str
    sha256: str
    size: int
    chunks: int
    attempt: int
    preview: bytes = b""
    created_at: datetime | None = None
