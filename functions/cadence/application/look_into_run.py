"""What a run consists of and what went through it: its graph, its values, and where a value came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from cadence.application.ports import Documents, RunnerStore, RunStore
from cadence.domain import ids, plan
from cadence.domain.errors import InvalidRequest, NotFound, Violation
from cadence.domain.run import Run, Treatment, TreatmentSpec, Value
from cadence.domain.runner import Runner

_DEEPEST = 50


@dataclass(frozen=True)
class Origin:
    """A value and the treatment that sent it, with the origins of what that treatment received.

    `value` is None while nothing has been sent. A treatment met before in the same trace, or too deep in it, is `cut`: its
    inputs are not told; a trace of its own port tells them.
    """

    treatment: str
    port: str
    value: Value | None
    state: Treatment | None
    runner: Runner | None
    inputs: Mapping[str, "Origin | None"] = field(default_factory=dict)
    cut: bool = False


@dataclass
class RunInsight:
    """One run, read as far as it is asked about. Every method reads what it needs once."""

    run: Run
    runs: RunStore
    runners: RunnerStore
    documents: Documents

    @cached_property
    def specs(self) -> Mapping[str, TreatmentSpec]:
        if not self.run.plan_sha256:
            return {}
        return {spec.name: spec for spec in plan.decode(self.documents.get(self.run.plan_sha256))}

    @cached_property
    def treatments(self) -> Mapping[str, Treatment]:
        return {treatment.name: treatment for treatment in self.runs.list_treatments(self.run.run_id)}

    @cached_property
    def values(self) -> Mapping[tuple[str, str], Value]:
        return {(value.treatment, value.port): value for value in self.runs.list_values(self.run.run_id)}

    def spec(self, treatment: str) -> TreatmentSpec:
        """Raises NotFound. Instances made for elements are in no plan; they are read for themselves."""
        try:
            return self.specs.get(treatment) or self.runs.get_spec(self.run.run_id, treatment)
        except NotFound:
            raise NotFound(f"Run {self.run.run_id} has no treatment {treatment!r}.") from None

    def value(self, sha256: str) -> Value:
        """Any value of the run with this digest: their bytes are the same. Raises NotFound."""
        for value in self.values.values():
            if value.sha256 == sha256:
                return value
        raise NotFound(f"Run {self.run.run_id} has no value {sha256}.")

    def runner(self, treatment: str) -> Runner | None:
        """The runner of the treatment's latest attempt, if it was given one."""
        known = self.treatments.get(treatment)
        if known is None:
            return None
        return find_runner(self.runners, known)

    def origin(self, treatment: str, port: str, offset: int | None = None) -> Origin:
        """Where what `treatment` sent through `port` came from. Raises NotFound if there is no such output."""
        spec = self.spec(treatment)
        if port not in {output.port for output in spec.outputs}:
            known = ", ".join(output.port for output in spec.outputs) or "none"
            raise NotFound(f"Treatment {treatment!r} has no output {port!r} (it has: {known}).")
        value = self.values.get((treatment, port))
        if offset is not None and value is not None and offset > value.size:
            message = f"The value has {value.size} bytes, so there is nothing at offset {offset}."
            raise InvalidRequest(message, [Violation("offset", message)])
        return self._origin(treatment, port, set(), _DEEPEST)

    def _origin(self, treatment: str, port: str, met: set[str], depth: int) -> Origin:
        value = self.values.get((treatment, port))
        state = self.treatments.get(treatment)
        runner = self.runner(treatment)
        if treatment in met or depth == 0:
            return Origin(treatment, port, value, state, runner, cut=True)
        met.add(treatment)
        inputs = {
            given.port: (
                self._origin(given.source_treatment, given.source_port, met, depth - 1)
                if given.source_treatment and given.source_port
                else None
            )
            for given in self.spec(treatment).inputs
        }
        return Origin(treatment, port, value, state, runner, inputs)


@dataclass(frozen=True)
class LookIntoRun:
    runs: RunStore
    runners: RunnerStore
    documents: Documents

    def __call__(self, run: Run) -> RunInsight:
        return RunInsight(run, self.runs, self.runners, self.documents)


def find_runner(runners: RunnerStore, treatment: Treatment) -> Runner | None:
    try:
        return runners.get_runner(ids.runner_id(treatment.run_id, treatment.name, treatment.attempt))
    except NotFound:
        return None


def attempts(runners: RunnerStore, treatment: Treatment) -> Sequence[Runner]:
    """The runners of all attempts so far, the latest first."""
    found = []
    for attempt in range(treatment.attempt, 0, -1):
        try:
            found.append(runners.get_runner(ids.runner_id(treatment.run_id, treatment.name, attempt)))
        except NotFound:
            continue
    return found
