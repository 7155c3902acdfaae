"""Ports over the stores and machines of runs, shared by several rooms. Every write is safe to repeat."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from cadence.application.shared.ports import Page
from cadence.domain.pipelines.specification import TreatmentKind, TreatmentSpec
from cadence.domain.runs.edge import Edge
from cadence.domain.runs.run import Run, Treatment, Value
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.scheduling.group import EachProgress, InstanceSlots
from cadence.domain.scheduling.machine_step import MachineStep
from cadence.domain.shared.errors import CadenceError

# Instances that one transaction can create.
MOST_ADDED = 24


@dataclass(frozen=True)
class TreatmentContext:
    """A treatment as it stands, with the specification it was admitted with and its run.

    `others` are the further treatments that were asked for and exist, by name.
    """

    run: Run
    spec: TreatmentSpec
    treatment: Treatment
    others: Mapping[str, Treatment] = field(default_factory=dict)


class RunStore(Protocol):
    """Runs (table `runs`). Reads are consistent."""

    def create_run(self, run: Run) -> None:
        """Stores a new run. Raises Conflict if the run exists."""

    def get_run(self, run_id: str) -> Run:
        """Returns a run. Raises NotFound."""

    def count_unsettled(self, run_id: str) -> int | None:
        """Returns how many treatments of the run have not settled; None if the run is not admitted.

        One that settled and made a consumer ready is counted until that consumer has settled.
        """

    def get_runs(self, run_ids: Iterable[str]) -> Mapping[str, Run]:
        """Returns those of the runs that exist, by id."""

    def list_runs(self, organization: str, project: str, limit: int, after: str | None) -> Page[Run]:
        """Returns the project's runs, newest first, that follow the position `after` (a run's `position`)."""

    def keep_waiting_token(self, run_id: str, token: str) -> Run:
        """Keeps the token of a treatment of another run that waits for this run's end; returns the updated run."""

    def begin_run(self, run_id: str, machine_token: str, at: datetime) -> Run:
        """Keeps the token of the machine that waits for the run; a pending run becomes running.

        Returns the updated run.
        """

    def note_waiting(self, run_id: str, what: str, state: RunState = RunState.PENDING) -> Run:
        """Notes in words what a run in `state` waits for. Raises Conflict if it is no longer in that state."""

    def freeze_plan(self, run_id: str, seen: str, plan_sha256: str) -> Run:
        """Replaces the plan whose digest is `seen`, and removes what was noted as waited for; returns the updated run.

        If another call was first, its plan stays.
        """

    def keep_stop_token(self, run_id: str, stop_token: str) -> Run:
        """Keeps the token of the machine that waits until all treatments of a stopping run have settled."""

    def request_stop(self, run_id: str, state: RunState, cause: str) -> Run:
        """Marks a live run as to be stopped, ending in `state`; the first request wins.

        Raises Conflict if the run is final.
        """

    def finish_run(self, seen: Run, state: RunState, cause: str | None, at: datetime, *, soft_failures: int = 0) -> Run:
        """Gives the run its final state, once; a run that is final already is returned unchanged.

        `soft_failures` counts its treatments that failed without failing it.

        Raises Conflict if a stop of the run was requested after `seen` was read.
        """


class TreatmentStore(Protocol):
    """Treatments of runs, their specifications, and elements inside of engines (table `runs`). Reads are consistent."""

    def admit(
        self, run_id: str, specs: Sequence[TreatmentSpec], treatments: Sequence[Treatment], edges: Sequence[Edge]
    ) -> bool:
        """Writes those that do not exist yet and leaves the others as they are; returns whether all were written now.

        Sets the run's count of unsettled treatments once, and creates the slots of each group that bounds its
        instances.
        """

    def get_spec(self, run_id: str, treatment: str) -> TreatmentSpec:
        """Returns the specification of a treatment. Raises NotFound."""

    def get_treatment(self, run_id: str, treatment: str) -> Treatment:
        """Returns a treatment. Raises NotFound."""

    def get_context(self, run_id: str, treatment: str, others: Collection[str] = ()) -> TreatmentContext:
        """Returns a treatment, its specification, its run and those of `others` that exist, read at once.

        Raises NotFound.
        """

    def list_treatments(self, run_id: str) -> Sequence[Treatment]:
        """Returns all treatments of the run, without elements inside of an engine."""

    def list_elements(self, run_id: str) -> Sequence[Treatment]:
        """Returns the elements inside of an engine, which `list_treatments` leaves out."""

    def list_element_specs(self, run_id: str) -> Sequence[TreatmentSpec]:
        """Returns the specifications of the elements inside of an engine."""

    def put_elements(
        self, run_id: str, elements: Sequence[tuple[TreatmentSpec, Treatment]], edges: Sequence[Edge]
    ) -> None:
        """Creates or replaces elements inside of an engine. Only what rebuilds the engine's activity writes them."""

    def page_of_treatments(self, run_id: str, limit: int, after: str | None) -> Page[Treatment]:
        """Returns treatments by name, from the one after `after` on; elements inside of an engine come last."""

    def request_cancel(self, run_id: str, treatment: str, reason: str) -> Treatment:
        """Keeps why the treatment is to end (the first request wins), unless it has ended; returns it as updated."""

    def get_treatments(self, names: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Treatment]:
        """Returns those of the treatments that exist, by run id and name."""

    def advance(
        self,
        run_id: str,
        treatment: str,
        at_attempt: int,
        source: Iterable[TreatmentState],
        target: TreatmentState,
        **changes: Any,
    ) -> Treatment:
        """Moves a treatment that is in one of `source` at attempt `at_attempt` to `target`; returns it as updated.

        `changes` are further fields of Treatment; `history` is added to the stored history. Raises Conflict if the
        treatment is in another state or attempt.
        """

    def settle(
        self,
        treatment: Treatment,
        state: TreatmentState,
        cause: str | None,
        exit_code: int | None,
        at: datetime,
        *,
        delivered: Sequence[Edge] = (),
        ready: Sequence[Treatment] = (),
        soft_failed: bool = False,
    ) -> bool:
        """Writes the final state (also in the history), the cause (None: none) and the run's count in one transaction.

        `soft_failed`: the treatment failed, and this does not fail its run.

        The same transaction delivers the edges in `delivered`, which are all that it fires, and notes so with the
        treatment; those consumers that are in `ready`, which must wait for these edges alone, become ready. The first
        of them lowers the run's count also for this treatment, when it settles.

        Returns False if the treatment was settled before. Raises Conflict, and writes nothing, if it is no longer in
        the state and attempt of `treatment`, a stream's edge is not pending, or a consumer in `ready` is no longer as
        read.
        """


class EdgeStore(Protocol):
    """Edges between the treatments of a run (table `runs`). Reads are consistent."""

    def edges_from(self, run_id: str, producer: str) -> Sequence[Edge]:
        """Returns the edges that leave `producer`."""

    def edges_of(self, run_id: str) -> Sequence[Edge]:
        """Returns all edges of the run."""

    def deliver(self, edges: Sequence[Edge]) -> Sequence[Treatment]:
        """Marks pending edges delivered and lowers their consumers' counts; returns each consumer as updated."""

    def bury(self, edges: Sequence[Edge]) -> Sequence[Treatment]:
        """Marks pending edges dead; returns each consumer as it then stands."""


class ValueStore(Protocol):
    """Values of outputs, without their content (table `runs`). Reads are consistent."""

    def put_values(self, values: Sequence[Value]) -> None:
        """Creates or replaces values."""

    def get_value(self, run_id: str, treatment: str, port: str) -> Value:
        """Returns the value of an output. Raises NotFound."""

    def get_values(self, run_id: str, ports: Sequence[tuple[str, str]]) -> Sequence[Value]:
        """Returns those of the (treatment, port) pairs that have a value, in their order."""

    def list_values(self, run_id: str) -> Sequence[Value]:
        """Returns all values of the run."""


class GroupStore(Protocol):
    """The progress of groups and the slots of their instances (table `runs`). Reads are consistent."""

    def get_growth(self, run_id: str, group: str) -> EachProgress:
        """Returns the progress of an `each` group; a new one if there is none yet."""

    def save_growth(self, seen: EachProgress, after: EachProgress) -> EachProgress:
        """Replaces the progress; returns it as stored. Raises Conflict if it has changed since `seen` was read."""

    def add_instances(
        self, seen: EachProgress, after: EachProgress, specs: Sequence[TreatmentSpec], at: datetime
    ) -> None:
        """Writes new instances, ready, with their edges to the group, the counts of run and group, and the progress.

        All or nothing, at most `MOST_ADDED` instances. Raises Conflict if the progress has changed, the group does not
        run, or the run is to be stopped.
        """

    def get_places(self, run_id: str, group: str) -> InstanceSlots:
        """Returns the slots of a group that bounds its instances. Raises NotFound."""

    def save_places(self, run_id: str, group: str, seen: InstanceSlots, after: InstanceSlots) -> None:
        """Replaces the slots. Raises Conflict if they have changed since `seen` was read."""


class Machines(Protocol):
    """The state machines of runs and of treatments."""

    def start_run(self, run_id: str, deadline_seconds: int, execution: int = 1) -> None:
        """Starts the run's machine.

        Idempotent: the execution is named by the run, and by its number from the second on.
        """

    def start_treatment(self, run_id: str, treatment: str, kind: TreatmentKind = TreatmentKind.COMMAND) -> None:
        """Starts the treatment's machine with attempt 1. Idempotent: the execution is named by the treatment's id."""

    def keep(self, runner_id: str, task_token: str, at: datetime) -> str:
        """Stores the token that waits for a runner; returns a short name that the other methods take in its place."""

    def fail_kept(self, runner_id: str, until: datetime, error: CadenceError) -> None:
        """Answers all tokens that were kept for a runner until then with an error, see `fail`."""

    def succeed(self, task_token: str, output: Mapping[str, Any]) -> None:
        """Answers a token with `output`. A token that was answered or has timed out is ignored."""

    def proceed(self, task_token: str, step: MachineStep) -> None:
        """Answers the token of a treatment's machine with its next step.

        A step that ends the treatment is the state's success, any other one an error that the state catches: so the
        usual end needs no state that chooses. A token that was answered or has timed out is ignored.
        """

    def fail(self, task_token: str, error: CadenceError) -> None:
        """Answers a token with an error: `machine_error_name(error)`, with the error's message as the cause.

        A token that was answered or has timed out is ignored.
        """


_START_CHECK = timedelta(seconds=60)


def first_look(max_duration: int) -> timedelta:
    """Returns how long after its creation the watchdog looks at a run for the first time: a run that may take less than
    a minute (`max_duration`, in seconds) is ended when its time is over.
    """
    return min(_START_CHECK, timedelta(seconds=max_duration))


class Deadlines(Protocol):
    """Delayed wake-ups of the watchdog (queue `deadlines`)."""

    def watch_run(self, run_id: str, after: timedelta) -> None:
        """Has the watchdog look at the run after this time."""

    def watch_runner(self, runner_id: str, after: timedelta, task_token: str | None = None) -> None:
        """Has the watchdog look at the runner of a provider.

        `task_token` belongs to the machine that waits before the runner exists.
        """

    def watch_concurrency_limit(self, scope: str, after: timedelta) -> None:
        """Has the watchdog look at the concurrency limit after this time."""

    def watch_approval(self, run_id: str, treatment: str, after: timedelta) -> None:
        """Has the watchdog look at the treatment's request for approval after this time."""

    def watch_values(self, run_id: str, treatment: str | None, after: timedelta) -> None:
        """Has transient content removed where that is possible after the end of the treatment (None: of the run)."""

    def watch_late_values(self, run_id: str, after: timedelta) -> None:
        """Has transient content removed that arrived after the run's end."""


class WakeUps(Protocol):
    """Notifies groups of changes that they react to (queue `wake-ups`). A repeated wake-up changes nothing."""

    def wake(self, run_id: str, group: str, *, failed: bool = False) -> None:
        """Wakes a group; `failed` means that one of its instances failed."""
