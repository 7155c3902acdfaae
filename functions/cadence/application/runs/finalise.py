"""A run's final state, with the real cause in words."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from cadence.application.limits.run_gates import RunGates
from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import Deadlines, RunStore, TreatmentStore
from cadence.domain.runs.run import Run, Treatment
from cadence.domain.runs.states import RunState, TreatmentState

# The first of these that some treatment is in makes the run fail, and gives its cause.
_FAILURES = (TreatmentState.FAILED, TreatmentState.TIMED_OUT, TreatmentState.LOST, TreatmentState.CANCELLED)


@dataclass(frozen=True, kw_only=True)
class Finalise:
    runs: RunStore
    treatments: TreatmentStore
    gates: RunGates
    deadlines: Deadlines
    tell: Callable[[Run], None]
    clock: Clock

    def finalise(self, run_id: str) -> Run:
        """Ends what has not ended as well (the wait for it took too long). Safe to repeat: a run that is final stays as it is.

        Whoever waits for the run's end is told of it last.

        Raises Conflict if a treatment moves, or the run is asked to stop, at this moment: to be repeated.
        """
        run = self.runs.get_run(run_id)
        treatments = self.treatments.list_treatments(run_id)
        state, cause = _verdict(run, treatments)
        left = TreatmentState.CANCELLED if run.stop_requested else TreatmentState.LOST
        for treatment in treatments:
            if not treatment.state.final:
                self.treatments.settle(treatment, left, cause, None, self.clock())
        ended = self.runs.finish_run(run, state, cause, self.clock())
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
    for state in _FAILURES:
        failed = sorted((t for t in treatments if t.state is state), key=lambda t: str(t.finished_at))
        if failed:
            first = failed[0]
            others = Counter(t.state for t in treatments if t.state in _FAILURES and t is not first)
            rest = "".join(f"; {count} more {state}" for state, count in others.items())
            return RunState.FAILED, f"{first.name} {first.state.value.replace('_', ' ')}: {first.cause}{rest}"
    return RunState.SUCCEEDED, None


def _listed(names: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
