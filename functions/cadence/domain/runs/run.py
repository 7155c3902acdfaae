"""The state of runs, their treatments and their values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cadence.domain.melodium.process import MelodiumRun
from cadence.domain.pipelines.specification import (
    ConcurrencyPolicy,
    TreatmentKind,
)
from cadence.domain.runs.history import StateChange
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.shared import ids
from cadence.domain.values.value_retention import ValueCapture, ValueRetention, bucket_of

HIGHEST_PRIORITY = 100

_START_CHECK = timedelta(seconds=60)


def first_look(max_duration: int) -> timedelta:
    """Returns how long after its creation the watchdog looks at a run for the first time: a run that may take less than
    a minute (`max_duration`, in seconds) is ended when its time is over.
    """
    return min(_START_CHECK, timedelta(seconds=max_duration))


MAX_DEPTH = 10
"""Number of runs that may have started one another in a chain; a longer chain is a loop."""


@dataclass(frozen=True)
class ReplayOf:
    """The run and its treatment that a replay runs once more."""

    run_id: str
    treatment: str


@dataclass(frozen=True, kw_only=True)
class Run:
    """One execution of a pipeline. Times are UTC, durations seconds. Its tokens are never shown.

    `depth` counts the runs before it that started one another, `started_by_run` is the last of them, and
    `waiting_token` belongs to the treatment there that waits for this run's end. `document_sha256` is the document as
    written, `plan_sha256` what admission works from (`cadence.domain.pipelines.plan`); a run that could not be planned
    has no plan ("") and has failed. `pins` are the digests of the documents whose definitions it uses, by how they are
    named. `keeps_values_elsewhere`: some of its values are kept elsewhere, or only until they were read
    (`cadence.domain.values.value_retention`). A `generated` run is a part of the run that started it, with a document
    that a treatment there sent: it counts in no limit of runs, and is reported and repeated with that run only. A run
    with `replay_of` is there to be compared only: no event, alert or follow-up results from it. One with `melodium` is
    a process of a Mélodium engine, and its id a UUID.
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
    started_by_run: str | None = None
    started_by_treatment: str | None = None
    depth: int = 0
    waiting_token: str | None = field(default=None, repr=False)
    machine_token: str | None = field(default=None, repr=False)
    stop_token: str | None = field(default=None, repr=False)
    created_by: str = "unknown"
    rerun_of: str | None = None
    replay_of: ReplayOf | None = None
    kept_sha256: str | None = (
        None  # what it takes over from the run that it repeats (`cadence.domain.runs.rerun_reuse`)
    )
    pins: Mapping[str, str] = field(default_factory=dict)
    concurrency_group: str | None = None
    concurrency_policy: ConcurrencyPolicy = ConcurrencyPolicy.QUEUE
    priority: int = 0
    waiting_for: str | None = None  # in words, what its treatments wait for as a whole
    melodium: MelodiumRun | None = None
    keeps_values_elsewhere: bool = False
    soft_failures: int = 0  # treatments that failed without failing it, once it has ended
    generated: bool = False

    @property
    def position(self) -> str:
        """The sort key of the run among the runs of its project, by time."""
        return self.melodium.position if self.melodium else self.run_id

    @property
    def branch(self) -> str | None:
        """The branch whose commit it is for, if a git host's event started it."""
        return self._of_event("branch")

    @property
    def commit(self) -> str | None:
        """The commit that it is for."""
        return self._of_event("commit")

    @property
    def commit_message(self) -> str | None:
        """The first line of that commit's message, or the title of the pull request."""
        text = self._of_event("message") or self._of_event("title")
        return text.splitlines()[0] if text else None

    @property
    def starter(self) -> str:
        """Who started it: the sender of a git host's event, else the name that the run was created by."""
        return self._of_event("sender") or self.created_by

    def _of_event(self, name: str) -> str | None:
        value = self.event.get(name)
        return value if isinstance(value, str) and value else None

    @property
    def waited(self) -> bool:
        """Whether it began so late after its creation that its admission asks for the looks of the watchdog."""
        return self.started_at is not None and self.started_at >= self.created_at + first_look(self.max_duration) / 2

    @property
    def recorded(self) -> bool:
        """Whether another system executes and reports it, so that no machine here can start, stop or repeat it."""
        return self.melodium is not None and not self.melodium.supervised

    @property
    def values_from(self) -> str | None:
        """The id of the run that it takes values over from."""
        return self.replay_of.run_id if self.replay_of else self.rerun_of

    @property
    def machine_timeout(self) -> int:
        """Seconds after which its machine gives up by itself: a second net, so a little later than the watchdog."""
        return self.max_duration + 300

    @property
    def origins(self) -> Sequence[tuple[str, str, str | None]]:
        """The runs it results from, each as (how, run, treatment).

        How is `started`, `rerun` or `replay`; the treatment is the one of that run which started or is repeated.
        """
        origins: list[tuple[str, str, str | None]] = []
        if self.started_by_run:
            origins.append(("started", self.started_by_run, self.started_by_treatment))
        if self.rerun_of:
            origins.append(("rerun", self.rerun_of, None))
        if self.replay_of:
            origins.append(("replay", self.replay_of.run_id, self.replay_of.treatment))
        return origins


@dataclass(frozen=True, kw_only=True)
class Treatment:
    """The current state of a treatment of a run.

    `waiting` counts the edges not yet delivered. `bounded_by` is the group that lets only some of its instances be
    under way at a time; `conditional` ones are skipped if their `when` says so once they are ready; `cancel_reason` is
    why this one is to end although its run goes on. `carried` counts the treatments that settled before it and leave
    the run's count together with it. `history` are its states so far, of all attempts, in order.
    """

    run_id: str
    name: str
    state: TreatmentState
    waiting: int
    kind: TreatmentKind = TreatmentKind.COMMAND
    bounded_by: str | None = None
    conditional: bool = False
    cancel_reason: str | None = None
    attempt: int = 1
    failures: int = 0
    infrastructure_failures: int = 0
    interruptions: int = 0  # attempts whose machine was taken away: they count against nothing
    timeouts: int = 0
    cause: str | None = None
    exit_code: int | None = None
    pool: str | None = None
    placement: str | None = None  # which pools were considered, and why (`cadence.domain.placement.placing`)
    waiting_for: str | None = None  # in words, while a limit or an approval holds it back beside its inputs
    concurrency_limits: tuple[str, ...] = ()  # where its attempt holds or waits for a slot
    turn_token: str | None = field(default=None, repr=False)  # its machine's, while that waits for a turn
    kept_from: str | None = None  # the run that made the values it was admitted with
    ready_at: datetime | None = None
    placed_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    history: tuple[StateChange, ...] = ()
    retention: ValueRetention | None = None  # of the values that its attempt sends
    ends_retention: bool = False  # whether its end may be what the removal of some content waits for
    reports: bool = False  # whether its attempts send reports of tests
    soft_failed: bool = False  # it failed, and this does not fail the run
    carried: int = 0
    edges_delivered: bool = False  # the edges that its success fires were delivered together with it


def is_element(name: str) -> bool:
    """Returns whether a treatment of this name ran inside of an engine: such a treatment is named by its path there."""
    return "/" in name


@dataclass(frozen=True)
class Origin:
    """The treatment, of this run or another, that first sent a value.

    `copied`: the chunks are kept with this run as well.
    """

    run_id: str
    treatment: str
    port: str
    copied: bool = False


@dataclass(frozen=True, kw_only=True)
class Value:
    """The content that a settled treatment sent through one output port.

    `attempt` says which attempt's chunks hold it. `kept_from` is the run that made it, if this one only took it over;
    `origin` is the treatment that did, where a value only passed through this one. `stored_prefix` is where the chunks
    of an input are that no treatment sent.
    """

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
    kept_from: str | None = None
    origin: Origin | None = None
    retention: ValueRetention | None = None
    stored_prefix: str | None = None

    @property
    def chunk_prefix(self) -> str:
        """The prefix of the addresses of its chunks; the chunk's number, with twelve digits, follows."""
        if self.stored_prefix is not None:
            return self.stored_prefix
        bucket = bucket_of(self.retention)
        if self.origin and not self.origin.copied:
            return ids.chunk_prefix(self.origin.run_id, self.origin.treatment, self.attempt, self.origin.port, bucket)
        return ids.chunk_prefix(self.kept_from or self.run_id, self.treatment, self.attempt, self.port, bucket)

    @property
    def passes(self) -> bool:
        """Whether its content is only for treatments that read it while its run goes on: it is not shown to users."""
        return self.retention is not None and self.retention.passes

    @property
    def digest(self) -> str | None:
        """Its SHA-256, unless its pool keeps no digests."""
        return self.sha256 if self.retention is None or self.retention.capture is not ValueCapture.NONE else None

    def chunk_key(self, seq: int) -> str:
        """Returns the address of the chunk with this number."""
        return f"{self.chunk_prefix}{seq:012}"

    @property
    def chunk_keys(self) -> list[str]:
        """The addresses of all its chunks, in order."""
        return [self.chunk_key(seq) for seq in range(self.chunks)]
