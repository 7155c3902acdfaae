"""Runs control treatments (groups, triggers), which need no runner."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from cadence.application.runs.start_child_run import StartChildRun
from cadence.application.runs.stop_child_run import StopChildRun
from cadence.application.scheduling.collect_outputs import CannotCollect, CollectOutputs
from cadence.application.scheduling.expand_each import ExpandEach
from cadence.application.scheduling.readiness import Readiness
from cadence.application.scheduling.treatment_queries import in_order
from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import Deadlines, GroupStore, Machines, RunStore, TreatmentStore, ValueStore
from cadence.domain.pipelines.specification import TreatmentKind
from cadence.domain.runs.history import StateChange
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.soft_failures import soft_failed
from cadence.domain.runs.states import TreatmentState
from cadence.domain.scheduling import group as groups
from cadence.domain.shared.errors import Conflict

# By then the group has settled; content that is looked at too early is removed at the run's end.
_SETTLED = timedelta(seconds=5)


@dataclass(frozen=True, kw_only=True)
class ControlTreatment:
    """Takes one step of a treatment that needs no runner."""

    runs: RunStore
    treatments: TreatmentStore
    values: ValueStore
    groups: GroupStore
    gather: CollectOutputs
    grow: ExpandEach
    start_child: StartChildRun
    stop_child: StopChildRun
    readiness: Readiness
    machines: Machines
    deadlines: Deadlines
    clock: Clock

    def control(self, run_id: str, treatment: str, task_token: str) -> None:
        """Answers the token with `{"next"}`: `done`, or `again` if there is more to do. Safe to repeat."""
        stored = self.treatments.get_treatment(run_id, treatment)
        if not stored.state.final:
            stored = self._stopped(stored) or self._act(stored, task_token)
        if stored.state.final:
            self.readiness.settled(stored)
            self.machines.succeed(task_token, {"next": "done"})

    def _act(self, stored: Treatment, task_token: str) -> Treatment:
        if stored.kind is TreatmentKind.GATHER:
            return self._end(stored, self.treatments.get_spec(stored.run_id, stored.name).instances)
        if stored.state is TreatmentState.READY:
            stored = self._began(stored)
        if stored.state.final:
            return stored
        if stored.kind is TreatmentKind.TRIGGER:
            return self._trigger(stored, task_token)
        if stored.state is TreatmentState.RUNNING and self.grow.finished(stored.run_id, stored.name):
            return self._end(stored, self.groups.get_growth(stored.run_id, stored.name).names())
        self.grow.keep_token(stored.run_id, stored.name, task_token)
        self.grow.expand(stored.run_id, stored.name)
        return self.treatments.get_treatment(stored.run_id, stored.name)

    def _trigger(self, stored: Treatment, task_token: str) -> Treatment:
        spec = self.treatments.get_spec(stored.run_id, stored.name)
        outcome = self.start_child.start_child(stored, spec, task_token)
        if outcome:
            soft = soft_failed(spec.soft_fail, outcome.state, None)
            return self._settle(stored, outcome.state, outcome.cause, soft=soft)
        # Checked once the run exists: a later stop of the treatment finds that run.
        stored = self.treatments.get_treatment(stored.run_id, stored.name)
        return self._stopped(stored) or stored

    def _began(self, stored: Treatment) -> Treatment:
        now = self.clock()
        try:
            return self.treatments.advance(
                stored.run_id,
                stored.name,
                stored.attempt,
                {TreatmentState.READY},
                TreatmentState.RUNNING,
                started_at=now,
                history=(StateChange(now, stored.attempt, TreatmentState.RUNNING),),
            )
        except Conflict:
            return self.treatments.get_treatment(stored.run_id, stored.name)

    def _end(self, stored: Treatment, names: Sequence[str]) -> Treatment:
        instances = in_order(self.treatments, stored.run_id, names)
        state, cause = groups.verdict(instances)
        soft = groups.softly(instances)
        if stored.kind is TreatmentKind.EACH:
            growth = self.groups.get_growth(stored.run_id, stored.name)
            if growth.failure:
                state, cause = TreatmentState.LOST if growth.lost else TreatmentState.FAILED, growth.failure
                soft = False
        if state is TreatmentState.SUCCEEDED:
            try:
                spec = self.treatments.get_spec(stored.run_id, stored.name)
                values = self.gather.collect(stored, spec, instances)
                self.values.put_values(values)
                if any(value.retention for value in values):
                    self.deadlines.watch_values(stored.run_id, stored.name, _SETTLED)
            except CannotCollect as error:
                state, cause = TreatmentState.FAILED, str(error)
        return self._settle(stored, state, cause, soft=soft)

    def _stopped(self, stored: Treatment) -> Treatment | None:
        run = self.runs.get_run(stored.run_id)
        stopped = run.stop_requested or run.state.final
        if not stopped and not stored.cancel_reason:
            return None
        reason = run.cause if stopped else stored.cancel_reason
        if stored.kind is TreatmentKind.TRIGGER:
            self.stop_child.stop(stored, reason or "the run was stopped")
        return self._settle(stored, TreatmentState.CANCELLED, reason)

    def _settle(self, stored: Treatment, state: TreatmentState, cause: str | None, *, soft: bool = False) -> Treatment:
        with suppress(Conflict):  # the run was stopped first
            self.treatments.settle(stored, state, cause, None, self.clock(), soft_failed=soft)
        return self.treatments.get_treatment(stored.run_id, stored.name)
