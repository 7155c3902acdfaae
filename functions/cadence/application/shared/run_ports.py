"""Ports over the stores and machines of runs, shared by several rooms. Every write is safe to repeat."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from cadence.application.shared.ports import Page
from cadence.domain.pipelines.specification import TreatmentKind, TreatmentSpec
from cadence.domain.runs.edge import Edge
from cadence.domain.runs.run import Run, Treatment, Value
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.scheduling.group import EachProgress, InstanceSlots
from cadence.domain.shared.errors import CadenceError

# Instances that one transaction can make.
MOST_ADDED = 24


@dataclass(frozen=True)
class TreatmentContext:
    """A treatment as it stands, with what it was admitted as and its run."""

    run: Run
    spec: TreatmentSpec
    treatment: Treatment


class RunStore(Protocol):
    """The runs themselves (table `runs`). Reads are consistent."""

    def create_run(self, run: Run) -> None:
        """Raises Conflict if the run exists."""

    def get_run(self, run_id: str) -> Run:
        """Raises NotFound."""

    def get_runs(self, run_ids: Iterable[str]) -> Mapping[str, Run]:
        """Those that exist, by id."""

    def list_runs(self, organization: str, project: str, limit: int, after: str | None) -> Page[Run]:
        """Newest first; `after` is a run's `position`."""

    def keep_waiting_token(self, run_id: str, token: str) -> Run:
        """Keeps the token of the treatment of another run that waits for this one's end; returns it as it then stands."""

    def begin_run(self, run_id: str, machine_token: str, at: datetime) -> Run:
        """Keeps the token of the machine that waits for the run; a pending run becomes running."""

    def note_waiting(self, run_id: str, what: str) -> Run:
        """What a pending run waits for. Raises Conflict if it is pending no more."""

    def freeze_plan(self, run_id: str, seen: str, plan_sha256: str) -> Run:
        """Replaces the plan whose digest is `seen`. If another call was first, its plan stays; returns the run as it is."""

    def keep_stop_token(self, run_id: str, stop_token: str) -> Run:
        """Keeps the token of the machine that waits for a stopping run to have settled."""

    def request_stop(self, run_id: str, state: RunState, cause: str) -> Run:
        """Marks a live run as to be stopped, ending in `state` (the first request wins). Raises Conflict if the run is final."""

    def finish_run(self, seen: Run, state: RunState, cause: str | None, at: datetime) -> Run:
        """Final state, once; a run that is final already is returned unchanged.

        Raises Conflict if the run was asked to stop since it was `seen`.
        """


class TreatmentStore(Protocol):
    """The treatments of runs, their specifications and elements (table `runs`). Reads are consistent."""

    def admit(
        self, run_id: str, specs: Sequence[TreatmentSpec], treatments: Sequence[Treatment], edges: Sequence[Edge]
    ) -> None:
        """Writes those that are not there yet; what is there stays as it is. Sets the run's count of unsettled treatments once.

        Of each group that bounds its instances, it also makes the places.
        """

    def get_spec(self, run_id: str, treatment: str) -> TreatmentSpec: ...

    def get_treatment(self, run_id: str, treatment: str) -> Treatment:
        """Raises NotFound."""

    def get_standing(self, run_id: str, treatment: str) -> TreatmentContext:
        """All three in one call. Raises NotFound."""

    def list_treatments(self, run_id: str) -> Sequence[Treatment]: ...

    def list_elements(self, run_id: str) -> Sequence[Treatment]:
        """Those that happened inside of an engine, which `list_treatments` leaves out."""

    def list_element_specs(self, run_id: str) -> Sequence[TreatmentSpec]:
        """Theirs."""

    def put_elements(
        self, run_id: str, elements: Sequence[tuple[TreatmentSpec, Treatment]], edges: Sequence[Edge]
    ) -> None:
        """Creates or replaces them: whoever rebuilds what an engine did is the only one who writes them."""

    def page_of_treatments(self, run_id: str, limit: int, after: str | None) -> Page[Treatment]:
        """By name, those that come after the one named `after`; what happened inside of an engine comes last."""

    def request_cancel(self, run_id: str, treatment: str, reason: str) -> Treatment:
        """Keeps why the treatment is to end (the first request wins), unless it has ended; returns it as it then stands."""

    def get_treatments(self, names: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Treatment]:
        """Those that exist, by run and name."""

    def advance(
        self,
        run_id: str,
        treatment: str,
        at_attempt: int,
        source: Iterable[TreatmentState],
        target: TreatmentState,
        **changes: Any,
    ) -> Treatment:
        """Moves a treatment that is in one of `source` at that attempt; `changes` are fields of Treatment; `history` is added to what is there. Raises Conflict."""

    def settle(
        self, treatment: Treatment, state: TreatmentState, cause: str | None, exit_code: int | None, at: datetime
    ) -> bool:
        """Final state (also in its history), its cause (None: none) and the run's count, in one transaction. False if it was settled before.

        Raises Conflict if the treatment is no longer in the state and attempt that `treatment` says.
        """


class EdgeStore(Protocol):
    """The edges between the treatments of a run (table `runs`). Reads are consistent."""

    def edges_from(self, run_id: str, producer: str) -> Sequence[Edge]: ...

    def edges_of(self, run_id: str) -> Sequence[Edge]: ...

    def deliver(self, edges: Sequence[Edge]) -> Sequence[Treatment]:
        """Marks pending edges delivered and lowers their consumers' counts; returns each consumer as it then stands."""

    def bury(self, edges: Sequence[Edge]) -> Sequence[Treatment]:
        """Marks pending edges dead; returns each consumer as it then stands."""


class ValueStore(Protocol):
    """The values of outputs (table `runs`). Reads are consistent."""

    def put_values(self, values: Sequence[Value]) -> None: ...

    def get_value(self, run_id: str, treatment: str, port: str) -> Value:
        """Raises NotFound."""

    def get_values(self, run_id: str, ports: Sequence[tuple[str, str]]) -> Sequence[Value]:
        """Those that exist of these (treatment, port), in their order."""

    def list_values(self, run_id: str) -> Sequence[Value]: ...


class GroupStore(Protocol):
    """What groups know of their instances (table `runs`). Reads are consistent."""

    def get_growth(self, run_id: str, group: str) -> EachProgress:
        """A new one if there is none yet."""

    def save_growth(self, seen: EachProgress, after: EachProgress) -> EachProgress:
        """Raises Conflict if it has changed since `seen` was read."""

    def add_instances(
        self, seen: EachProgress, after: EachProgress, specs: Sequence[TreatmentSpec], at: datetime
    ) -> None:
        """New instances, ready, with their edges to the group and the counts of run and group, and the growth: all or nothing.

        At most `MOST_ADDED`. Raises Conflict if the growth has changed, the group does not run, or the run is to be stopped.
        """

    def get_places(self, run_id: str, group: str) -> InstanceSlots:
        """Raises NotFound."""

    def save_places(self, run_id: str, group: str, seen: InstanceSlots, after: InstanceSlots) -> None:
        """Raises Conflict if they have changed since `seen` was read."""


class Machines(Protocol):
    """The two state machines."""

    def start_run(self, run_id: str, deadline_seconds: int, execution: int = 1) -> None:
        """Idempotent: the execution is named by the run, and by its number from the second on."""

    def start_treatment(self, run_id: str, treatment: str, kind: TreatmentKind = TreatmentKind.COMMAND) -> None:
        """Idempotent: the execution is named by the treatment's id. It begins with attempt 1."""

    def succeed(self, task_token: str, output: Mapping[str, Any]) -> None:
        """A token that was answered or has timed out is ignored."""

    def fail(self, task_token: str, error: CadenceError) -> None:
        """Likewise; the machine sees `machine_error_name(error)` and the error's message as the cause."""


class Deadlines(Protocol):
    """Delayed wake-ups of the watchdog (queue `deadlines`)."""

    def watch_run(self, run_id: str, after: timedelta) -> None: ...

    def watch_runner(self, runner_id: str, after: timedelta, task_token: str | None = None) -> None:
        """`task_token` is whoever waits for the runner before it is there."""

    def watch_concurrency_limit(self, scope: str, after: timedelta) -> None: ...

    def watch_approval(self, run_id: str, treatment: str, after: timedelta) -> None: ...

    def watch_values(self, run_id: str, treatment: str | None, after: timedelta) -> None:
        """Content that only passes is removed where it may be now that the treatment (None: the run) has ended."""

    def watch_late_values(self, run_id: str, after: timedelta) -> None:
        """The same for what came after the run's end."""


class WakeUps(Protocol):
    """Tells a group that something it goes by has happened (queue `wake-ups`). A repeated wake-up changes nothing."""

    def wake(self, run_id: str, group: str, *, failed: bool = False) -> None:
        """`failed`: one of its instances did."""
