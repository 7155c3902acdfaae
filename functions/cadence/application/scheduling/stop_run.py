"""Stops a run that is cancelled, overdue or broken.

Each of its unfinished treatments is ended, and the machine waits until all have settled.
"""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass

from cadence.application.runs.pin_images import images_of
from cadence.application.scheduling.admit import Admission
from cadence.application.scheduling.end_treatment import EndTreatment
from cadence.application.scheduling.readiness import Readiness
from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import Machines, RunStore, TreatmentStore
from cadence.domain.pipelines.image import parse_image
from cadence.domain.pipelines.specification import TreatmentKind, TreatmentSpec
from cadence.domain.runs.run import Run, Treatment
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.scheduling.machine_error import MachineError
from cadence.domain.shared.errors import Conflict, NotFound

# What admission raises if the images of a run cannot be resolved.
_ADMISSION_ERRORS = frozenset({"ProviderRejected", "Transient"})


@dataclass(frozen=True, kw_only=True)
class StopRun:
    """Stops runs."""

    runs: RunStore
    treatments: TreatmentStore
    admission: Admission
    end: EndTreatment
    machines: Machines
    readiness: Readiness
    clock: Clock

    def stop(self, run_id: str, stop_token: str, error: MachineError) -> None:
        """Keeps `stop_token`, which is answered when the last treatment has settled. Safe to repeat."""
        run = self._request(run_id, error)
        self.runs.keep_stop_token(run_id, stop_token)
        # An interrupted admission is completed first, so that the count of unsettled treatments can reach zero.
        try:
            specs, treatments = self.admission.admission_of(run)
        except NotFound:  # its plan is gone; without one there are no treatments
            specs, treatments = (), self.treatments.list_treatments(run_id)
        reason = run.cause or "the run was stopped"
        if run.stop_requested is RunState.FAILED and error.name in _ADMISSION_ERRORS:
            treatments = self._fail(treatments, _without_digest(specs), reason)
        unfinished = [treatment for treatment in treatments if not treatment.state.final]
        self.readiness.workers(lambda treatment: self.end.end(treatment, reason), unfinished)
        if treatments:
            self.readiness.answer_when_all_settled(run_id)
        else:
            self.machines.succeed(stop_token, {"run_id": run_id})

    def _fail(self, treatments: Sequence[Treatment], names: Collection[str], cause: str) -> Sequence[Treatment]:
        """Fails the pending ones of `names`; returns all treatments as they are then."""
        for treatment in treatments:
            if treatment.name in names and treatment.state is TreatmentState.PENDING:
                with suppress(Conflict):  # another call of this stop settled it
                    self.treatments.settle(treatment, TreatmentState.FAILED, cause, None, self.clock())
        return self.treatments.list_treatments(treatments[0].run_id) if names else treatments

    def _request(self, run_id: str, error: MachineError) -> Run:
        run = self.runs.get_run(run_id)
        if run.stop_requested or run.state.final:
            return run
        overdue = error.name in {"TimedOut", "States.Timeout"}
        state = RunState.TIMED_OUT if overdue else RunState.FAILED
        cause = error.cause or (
            "the run took longer than it may" if overdue else f"the run's machine failed: {error.name}"
        )
        return self.runs.request_stop(run_id, state, cause)


def _without_digest(specs: Sequence[TreatmentSpec]) -> frozenset[str]:
    """Returns the treatments with an image that its registry did not resolve, and the groups of such instances."""
    names = {
        spec.name
        for spec in specs
        if any(parse_image(image).is_open(loopback_resolves=True) for image in images_of(spec))
    }
    groups = {spec.name for spec in specs if spec.kind is TreatmentKind.GATHER and names.intersection(spec.instances)}
    return frozenset(names | groups)
