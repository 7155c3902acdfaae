"""The ends of a run and of its treatments as the events that told of them, from what is stored."""

from collections.abc import Sequence

from cadence.application.shared.run_ports import TreatmentStore
from cadence.application.shared.runner_ports import HostStore
from cadence.domain.exports.event import Event, run_event, treatment_event
from cadence.domain.runs.run import Run
from cadence.domain.shared import ids


def ends_of(treatments: TreatmentStore, runners: HostStore, run: Run) -> Sequence[Event]:
    """Of the treatments that have ended, then of the run if it has."""
    ended = [treatment for treatment in treatments.list_treatments(run.run_id) if treatment.state.final]
    names = {one.name: ids.runner_id(run.run_id, one.name, one.attempt) for one in ended}
    found = runners.get_runners(names.values())
    ends = [treatment_event(run, one, found.get(names[one.name])) for one in ended]
    return [*ends, run_event(run)] if run.state.final else ends
