"""Gives a run its final state, and states the cause in words."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from cadence.application.limits.run_gates import RunGates
from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import Deadlines, RunStore, TreatmentStore
from cadence.domain.pipelines.specification import TreatmentKind
from cadence.domain.runs.run import Run, Treatment
from cadence.domain.runs.states import RunState, TreatmentState

_GROUPS = frozenset({TreatmentKind.GATHER, TreatmentKind.EACH})
# A treatment in one of these states makes the run fail, unless it has failed softly; the first state in this order
# that occurs gives the cause.
_FAILURES = (TreatmentState.FAILED, TreatmentState.TIMED_OUT, TreatmentState.LOST, TreatmentState.CANCELLED)


@dataclass(frozen=True, kw_only=True)
class Finalise:
    """Ends a run. `tell` is called last, with the ended run."""

    runs: RunStore
    treatments: TreatmentStore
    gates: RunGates
    deadlines: Deadlines
    tell: Callable[[Run], None]
    clock: Clock

    def finalise(self, run_id: str) -> Run:
        """Ends the run and its unfinished treatments (the wait for them took too long); returns the run.

        Safe to repeat: a run that is final stays as it is. Those that wait for the run's end are notified last.

        Raises Conflict if a treatment moves, or a stop of the run is requested, at this moment: the caller repeats the
        call.
        """
        run = self.runs.get_run(run_id)
        treatments = self.treatments.list_treatments(run_id)
        state, cause = _verdict(run, treatments)
        unfinished_state = TreatmentState.CANCELLED if run.stop_requested else TreatmentState.LOST
        for treatment in treatments:
            if not treatment.state.final:
                self.treatments.settle(treatment, unfinished_state, cause, None, self.clock())
        soft = sum(treatment.soft_failed for treatment in _causes(treatments))
        ended = self.runs.finish_run(run, state, cause, self.clock(), soft_failures=soft)
        self.gates.leave(ended)
        if ended.keeps_values_elsewhere:
            self.deadlines.watch_values(run_id, None, timedelta())
        self.tell(ended)
        return ended


def _verdict(run: Run, treatments: Sequence[Treatment]) -> tuple[RunState, str | None]:
    if run.stop_requested:
        return run.stop_requested, run.cause
    unfinished = [treatment.name for treatment in treatments if not treatment.state.final]
    if unfinished:
        return RunState.FAILED, f"the run ended while {_listed(unfinished)} had not"
    causes = [treatment for treatment in _causes(treatments) if not treatment.soft_failed]
    for state in _FAILURES:
        failed = sorted((t for t in causes if t.state is state), key=lambda t: str(t.finished_at))
        if failed:
            first = failed[0]
            others = Counter(t.state for t in causes if t is not first)
            rest = "".join(f"; {count} more {state}" for state, count in others.items())
            return RunState.FAILED, f"{first.name} {first.state.value.replace('_', ' ')}: {first.cause}{rest}"
    return RunState.SUCCEEDED, None


def _causes(treatments: Sequence[Treatment]) -> list[Treatment]:
    """Returns the treatments that failed of themselves: without groups that failed because of an instance."""
    failed = [treatment for treatment in treatments if treatment.state in _FAILURES]
    holders = {(treatment.name.rpartition(":")[0], treatment.soft_failed) for treatment in failed}
    return [
        treatment
        for treatment in failed
        if treatment.kind not in _GROUPS or (treatment.name, treatment.soft_failed) not in holders
    ]


def _listed(names: Sequence[str], limit: int = 5) -> str:
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
