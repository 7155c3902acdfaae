"""Reads and remembers the records of a trace: each once, many at a time, never a whole run, none of another project."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cadence.application.pipelines.ports import PipelineStore
from cadence.application.provenance.ports import ProvenanceStore, RunnerLookup
from cadence.application.shared.ports import Documents
from cadence.application.shared.run_ports import GroupStore, RunStore, TreatmentStore, ValueStore
from cadence.domain.pipelines import plan
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runners.runner import Runner
from cadence.domain.runs.run import Run, Treatment, Value
from cadence.domain.shared import ids

Name = tuple[str, str]
"""Run and treatment."""
Port = tuple[str, str, str]
"""Run, treatment and port."""


@dataclass(frozen=True, kw_only=True)
class Stores:
    """The stores that a trace reads."""

    runs: RunStore
    treatments: TreatmentStore
    values: ValueStore
    groups: GroupStore
    runners: RunnerLookup
    provenance: ProvenanceStore
    documents: Documents
    pipelines: PipelineStore


@dataclass(kw_only=True)
class Known:
    """The records that a trace has read.

    The methods `load_…` read those that are not known yet; the others return one of them, or None if it does not exist.
    """

    stores: Stores
    organization: str
    project: str
    _runs: dict[str, Run | None] = field(default_factory=dict)
    _plans: dict[str, Mapping[str, TreatmentSpec]] = field(default_factory=dict)
    _specs: dict[Name, TreatmentSpec | None] = field(default_factory=dict)
    _treatments: dict[Name, Treatment | None] = field(default_factory=dict)
    _values: dict[Port, Value | None] = field(default_factory=dict)
    _runners: dict[str, Runner | None] = field(default_factory=dict)

    def load_runs(self, run_ids: Iterable[str]) -> None:
        missing = {run_id for run_id in run_ids if run_id not in self._runs}
        read = self.stores.runs.get_runs(missing) if missing else {}
        for run_id in missing:
            run = read.get(run_id)
            visible = run is not None and (run.organization, run.project) == (self.organization, self.project)
            self._runs[run_id] = run if visible else None

    def load_treatments(self, names: Iterable[Name]) -> None:
        requested = set(names)
        self.load_runs(run_id for run_id, _ in requested)
        missing = {name for name in requested if name not in self._specs and self._runs[name[0]] is not None}
        specs = dict(self.stores.provenance.get_specs(missing)) if missing else {}
        treatments = self.stores.treatments.get_treatments(missing) if missing else {}
        for name in missing - specs.keys():
            if spec := self._plan(name[0]).get(name[1]):
                specs[name] = spec
        for name in missing:
            self._specs[name] = specs.get(name)
            self._treatments[name] = treatments.get(name)

    def load_values(self, ports: Iterable[Port]) -> None:
        missing: dict[str, list[tuple[str, str]]] = {}
        for run_id, treatment, port in set(ports):
            if (run_id, treatment, port) not in self._values:
                missing.setdefault(run_id, []).append((treatment, port))
        self.load_runs(missing)
        for run_id, names in missing.items():
            visible = self._runs[run_id] is not None
            values = self.stores.values.get_values(run_id, names) if visible else ()
            by_port = {(value.treatment, value.port): value for value in values}
            for name in names:
                self._values[run_id, *name] = by_port.get(name)

    def load_runners(self, names: Iterable[Name]) -> None:
        """Reads the runners of the latest attempts of treatments that are loaded."""
        requested = {self._runner_id(treatment) for name in names if (treatment := self._treatments.get(name))}
        missing = {runner_id for runner_id in requested if runner_id not in self._runners}
        read = self.stores.runners.get_runners(missing) if missing else {}
        self._runners |= {runner_id: read.get(runner_id) for runner_id in missing}

    def run(self, run_id: str) -> Run | None:
        self.load_runs([run_id])
        return self._runs[run_id]

    def spec(self, run_id: str, treatment: str) -> TreatmentSpec | None:
        self.load_treatments([(run_id, treatment)])
        return self._specs.get((run_id, treatment))

    def treatment(self, run_id: str, treatment: str) -> Treatment | None:
        self.load_treatments([(run_id, treatment)])
        return self._treatments.get((run_id, treatment))

    def value(self, run_id: str, treatment: str, port: str) -> Value | None:
        self.load_values([(run_id, treatment, port)])
        return self._values[run_id, treatment, port]

    def runner(self, run_id: str, treatment: str) -> Runner | None:
        """Returns the runner of the latest attempt."""
        known = self.treatment(run_id, treatment)
        if known is None:
            return None
        self.load_runners([(run_id, treatment)])
        return self._runners[self._runner_id(known)]

    def _plan(self, run_id: str) -> Mapping[str, TreatmentSpec]:
        """Returns the plan of a run that is not admitted yet, which alone names its treatments."""
        if run_id not in self._plans:
            run = self._runs[run_id]
            planned = run is not None and run.plan_sha256 and not run.recorded
            waits = planned and self.stores.runs.count_unsettled(run_id) is None
            specs = plan.decode(self.stores.documents.get(run.plan_sha256)) if run and waits else ()
            self._plans[run_id] = {spec.name: spec for spec in specs}
        return self._plans[run_id]

    @staticmethod
    def _runner_id(treatment: Treatment) -> str:
        return ids.runner_id(treatment.run_id, treatment.name, treatment.attempt)
