"""Admits runs: turns a plan into treatments that can start."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cadence.application.logs.ports import LogStream
from cadence.application.scheduling.readiness import Readiness
from cadence.application.shared.ports import Clock, Documents
from cadence.application.shared.run_ports import Deadlines, RunStore, TreatmentStore, ValueStore
from cadence.domain.pipelines import plan
from cadence.domain.pipelines.forks import withhold
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runs import admission, rerun_reuse
from cadence.domain.runs.run import Run, Treatment, Value, first_look
from cadence.domain.shared.errors import Cancelled


class Admitted(NamedTuple):
    """The specifications of a run's treatments, and the treatments as they stand."""

    specs: Sequence[TreatmentSpec]
    treatments: Sequence[Treatment]


@dataclass(frozen=True)
class Admission:
    """Writes the treatments, edges and reused values of a run."""

    treatments: TreatmentStore
    values: ValueStore
    documents: Documents
    clock: Clock

    def admission_of(self, run: Run) -> Admitted:
        """Writes the run's treatments, edges and reused values.

        Safe to repeat, also at the same time and after treatments have advanced. Raises NotFound if the run's plan is
        gone.
        """
        planned = plan.decode(self.documents.get(run.plan_sha256))
        specs = admission.with_growth(withhold(planned, run.event))
        reused = (
            rerun_reuse.decode(self.documents.get(run.kept_sha256))
            if run.kept_sha256
            else rerun_reuse.ReusedTreatments()
        )
        initial = admission.beginning(run.run_id, specs, self.clock(), reused.treatments, reused.notes)
        names = {original: name for name, original in reused.called.items()}
        self.values.put_values(
            [
                rerun_reuse.taken_over(value, run.run_id, names.get(value.treatment))
                for value in self._kept_values(run, specs, reused)
            ]
        )
        if self.treatments.admit(run.run_id, specs, initial.treatments, initial.edges):
            return Admitted(specs, sorted(initial.treatments, key=lambda treatment: treatment.name))
        return Admitted(specs, self.treatments.list_treatments(run.run_id))

    def _kept_values(
        self, run: Run, specs: Sequence[TreatmentSpec], reused: rerun_reuse.ReusedTreatments
    ) -> Sequence[Value]:
        if run.values_from is None or not reused.treatments:
            return ()
        if run.replay_of is not None:
            # A few of what may be thousands.
            ports = [
                (reused.called.get(spec.name, spec.name), each.port)
                for spec in specs
                if spec.name in reused.treatments
                for each in spec.outputs
            ]
            return self.values.get_values(run.values_from, ports)
        return [value for value in self.values.list_values(run.values_from) if value.treatment in reused.treatments]


@dataclass(frozen=True, kw_only=True)
class Admit:
    """Admits runs. `pin_images` gives a run a plan whose images all have digests."""

    runs: RunStore
    admission: Admission
    readiness: Readiness
    deadlines: Deadlines
    log_stream: LogStream
    clock: Clock
    pin_images: Callable[[Run], Run]

    def admit(self, run_id: str, machine_token: str) -> None:
        """Writes the run's treatments, keeps the machine's token, and starts what is ready. Safe to repeat.

        Raises Cancelled if the run is to be stopped already, NotFound if its plan is gone, ProviderRejected for an
        image that its registry refuses, Transient if a registry does not answer.
        """
        run = self.runs.begin_run(run_id, machine_token, self.clock())
        if run.stop_requested:
            raise Cancelled(run.cause or f"run {run_id} is being stopped")
        self.log_stream.needed()
        pinned = self.pin_images(run)
        if run.waited and self.runs.count_unsettled(run_id) is None:
            # The first look may have found it waiting for its turn: the next one after that comes late. Before there
            # are treatments, once: the looks that were asked for earlier end with the one that finds some.
            self.deadlines.watch_run(run_id, first_look(run.max_duration), admitted=True)
        treatments = self.admission.admission_of(pinned).treatments
        self.readiness.start_ready(treatments)
        if not any(one.waiting == 0 and not one.conditional and not one.state.final for one in treatments):
            # Otherwise the call that settles such a treatment does, with the token that was kept before.
            self.readiness.answer_when_all_settled(run_id)
