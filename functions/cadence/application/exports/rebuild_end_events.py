"""Rebuilds the events of the ends of a run and its treatments from stored records."""

from collections.abc import Sequence

from cadence.application.shared.run_ports import TreatmentStore
from cadence.application.shared.runner_ports import HostStore
from cadence.domain.exports.event import Event, run_event, treatment_event
from cadence.domain.runs.run import Run
from cadence.domain.shared import ids


def ends_of(treatments: TreatmentStore, runners: HostStore, run: Run) -> Sequence[Event]:
    """Returns the events of the treatments that have ended, then of the run if it has ended."""
    ended = [treatment for treatment in treatments.list_treatments(run.run_id) if treatment.state.final]
    names = {each.name: ids.runner_id(run.run_id, each.name, each.attempt) for each in ended}
    known = runners.get_runners(names.values())
    ends = [treatment_event(run, treatment, known.get(names[treatment.name])) for treatment in ended]
    return [*ends, run_event(run)] if run.state.final else ends
