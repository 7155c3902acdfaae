"""Reads the graph and the values of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from cadence.application.shared.ports import Documents
from cadence.application.shared.run_ports import TreatmentStore, ValueStore
from cadence.application.shared.runner_ports import RunnerStore
from cadence.domain.pipelines import plan
from cadence.domain.pipelines.specification import TreatmentKind, TreatmentSpec
from cadence.domain.pipelines.unknown_names import choices
from cadence.domain.runners.runner import Runner
from cadence.domain.runs.critical_path import PathStep, critical_path
from cadence.domain.runs.run import Run, Treatment, Value
from cadence.domain.runs.stored_input import stored_values
from cadence.domain.runs.treatment_order import producers_of, with_elements
from cadence.domain.shared import ids
from cadence.domain.shared.errors import NotFound


@dataclass(kw_only=True)
class RunDetails:
    """One run, read as far as it is needed. Each property reads once."""

    run: Run
    treatment_store: TreatmentStore
    value_store: ValueStore
    runners: RunnerStore
    documents: Documents

    @cached_property
    def specs(self) -> Mapping[str, TreatmentSpec]:
        """The specifications by name, of the plan and of elements inside of an engine."""
        specs = list(plan.decode(self.documents.get(self.run.plan_sha256))) if self.run.plan_sha256 else []
        if self.run.melodium:
            specs += self.treatment_store.list_element_specs(self.run.run_id)
        return {spec.name: spec for spec in specs}

    @cached_property
    def treatments(self) -> Mapping[str, Treatment]:
        """The treatments by name, with elements inside of an engine."""
        treatments = [*self.treatment_store.list_treatments(self.run.run_id)]
        if self.run.melodium:
            treatments += self.treatment_store.list_elements(self.run.run_id)
        return {treatment.name: treatment for treatment in treatments}

    @cached_property
    def values(self) -> Mapping[tuple[str, str], Value]:
        """The values by treatment and port."""
        return {(value.treatment, value.port): value for value in self.value_store.list_values(self.run.run_id)}

    @cached_property
    def instances(self) -> Mapping[str, Sequence[Treatment]]:
        """The instances that exist, by the name of their group."""
        groups: dict[str, list[Treatment]] = {
            name: [] for name, spec in self.specs.items() if spec.kind in (TreatmentKind.GATHER, TreatmentKind.EACH)
        }
        for name, treatment in self.treatments.items():
            group, colon, _ = name.partition(":")
            if colon and group in groups:
                groups[group].append(treatment)
        return groups

    def critical_path(self, now: datetime) -> Sequence[PathStep]:
        """Returns the critical path of the run; that of one which has not ended leads until `now`."""
        elements = {
            group: [one.name for one in instances]
            for group, instances in self.instances.items()
            if self.specs[group].kind is TreatmentKind.EACH
        }
        producers = with_elements(producers_of(self.specs.values()), elements)
        return critical_path(self.treatments, producers, self.run.finished_at or now)

    def spec(self, treatment: str) -> TreatmentSpec:
        """Returns a treatment's specification; instances made for elements are in no plan and are read one by one.

        Raises NotFound.
        """
        try:
            return self.specs.get(treatment) or self.treatment_store.get_spec(self.run.run_id, treatment)
        except NotFound:
            message = f"Run {self.run.run_id} has no treatment {treatment!r}.{choices(treatment, self.specs)}"
            raise NotFound(message) from None

    def value(self, sha256: str) -> Value:
        """Returns any value or stored input of the run with this digest: their bytes are the same. Raises NotFound."""
        for value in self.values.values():
            if value.digest == sha256:
                return value
        for spec in self.specs.values():
            for value in stored_values(self.run.run_id, spec):
                if value.digest == sha256:
                    return value
        raise NotFound(f"Run {self.run.run_id} has no value {sha256}.")


@dataclass(frozen=True)
class ReadRunDetails:
    """Makes the details of runs."""

    treatments: TreatmentStore
    values: ValueStore
    runners: RunnerStore
    documents: Documents

    def read(self, run: Run) -> RunDetails:
        """Returns the details of `run`, which are read when they are needed."""
        return RunDetails(
            run=run,
            treatment_store=self.treatments,
            value_store=self.values,
            runners=self.runners,
            documents=self.documents,
        )


def find_runner(runners: RunnerStore, treatment: Treatment) -> Runner | None:
    """Returns the runner of the treatment's latest attempt, None if there is none."""
    try:
        return runners.get_runner(ids.runner_id(treatment.run_id, treatment.name, treatment.attempt))
    except NotFound:
        return None


def attempts(runners: RunnerStore, treatment: Treatment) -> Sequence[Runner]:
    """Returns the runners of all attempts so far, the latest first."""
    earlier = []
    for attempt in range(treatment.attempt, 0, -1):
        try:
            earlier.append(runners.get_runner(ids.runner_id(treatment.run_id, treatment.name, attempt)))
        except NotFound:
            continue
    return earlier
