"""Groups: treatments that stand for their instances, made from a matrix or from the elements of a value."""

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runs import outcome_text
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import FAILED_TREATMENT_STATES, TreatmentState

DEFAULT_PARALLEL = 16
MOST_ELEMENTS = 10_000
LARGEST_ELEMENT = 64 * 1024  # bytes


def instance_name(group: str, number: int) -> str:
    """Returns the name of an instance of an `each` treatment; `number` counts from 0."""
    return f"{group}:{number}"


@dataclass(frozen=True, kw_only=True)
class EachProgress:
    """The progress of an `each` treatment in making instances. `version` counts its changes.

    The next element begins at `offset` of chunk `sequence` of the producer's attempt `epoch`. `digest` is over the
    elements taken, so that a producer that begins anew can be held to them. The machines of the first `started`
    instances have been started. Once `closed` no more are made; `failure` says why, unless the source ended.
    """

    run_id: str
    group: str
    version: int = 0
    epoch: int = 0
    sequence: int = 0
    offset: int = 0
    made: int = 0
    started: int = 0
    digest: str = ""
    closed: bool = False
    failure: str | None = None
    lost: bool = False  # the failure is one of the infrastructure
    token: str | None = dataclasses.field(default=None, repr=False)

    def names(self) -> Sequence[str]:
        """Returns the names of all instances made so far."""
        return [instance_name(self.group, number) for number in range(self.made)]


def chained(digest: str, element: bytes) -> str:
    """Returns the digest of the elements so far and one more."""
    return hashlib.sha256(digest.encode() + b"\0" + element).hexdigest()


@dataclass(frozen=True)
class InstanceSlots:
    """The instances of a group that are under way, at most `limit`, and those that wait, in order of arrival."""

    limit: int
    under_way: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    version: int = 0

    def entered(self, names: Sequence[str]) -> "InstanceSlots":
        """Returns the slots after each of `names` has asked for one; unchanged if all have one or wait already."""
        known = {*self.under_way, *self.waiting}
        new = [name for name in names if name not in known]
        return dataclasses.replace(self, waiting=(*self.waiting, *new)).filled() if new else self

    def left(self, name: str) -> "InstanceSlots":
        """Returns the slots after `name` has given up its slot or its place in the queue."""
        if name not in self.under_way and name not in self.waiting:
            return self
        return dataclasses.replace(
            self,
            under_way=tuple(other for other in self.under_way if other != name),
            waiting=tuple(other for other in self.waiting if other != name),
        ).filled()

    def filled(self) -> "InstanceSlots":
        """Returns the slots with free ones given to the first that wait."""
        free = max(0, self.limit - len(self.under_way))
        return dataclasses.replace(self, under_way=(*self.under_way, *self.waiting[:free]), waiting=self.waiting[free:])


def verdict(instances: Sequence[Treatment]) -> tuple[TreatmentState, str | None]:
    """Returns the final state of a group whose instances have all ended, and its cause.

    Without instances the group has succeeded.
    """
    counts = Counter(treatment.state for treatment in instances)
    if first := first_failed(instances):
        return TreatmentState.FAILED, f"{_outcome(first)}{_rest(counts, first)}"
    cancelled = [treatment for treatment in instances if treatment.state is TreatmentState.CANCELLED]
    if cancelled:
        return TreatmentState.CANCELLED, f"{_outcome(cancelled[0])}{_rest(counts, cancelled[0])}"
    if instances and counts[TreatmentState.SKIPPED] == len(instances):
        return TreatmentState.SKIPPED, instances[0].cause or "all its instances were skipped"
    return TreatmentState.SUCCEEDED, None


def softly(instances: Sequence[Treatment]) -> bool:
    """Returns whether the instances that failed, at least one, do not fail the run."""
    failed = [treatment for treatment in instances if treatment.state in FAILED_TREATMENT_STATES]
    return bool(failed) and all(treatment.soft_failed for treatment in failed)


def first_failed(instances: Sequence[Treatment]) -> Treatment | None:
    """Returns the instance that failed first, or None. One that fails the run comes before those that do not."""
    failed = [treatment for treatment in instances if treatment.state in FAILED_TREATMENT_STATES]
    failed = [treatment for treatment in failed if not treatment.soft_failed] or failed
    return min(failed, key=lambda treatment: (str(treatment.finished_at), treatment.name), default=None)


def instance_of(spec: TreatmentSpec, number: int, element: str) -> TreatmentSpec:
    """Returns the specification of the instance for one element of an `each` treatment."""
    assert spec.instance is not None
    inputs = tuple(
        dataclasses.replace(port, flow="block", literal=element, source_treatment=None, source_port=None)
        if port.port == spec.each
        else port
        for port in spec.instance.inputs
    )
    return dataclasses.replace(spec.instance, name=instance_name(spec.name, number), group=spec.name, inputs=inputs)


def _outcome(treatment: Treatment) -> str:
    return f"{treatment.name} {outcome_text.PAST[treatment.state]}: {treatment.cause}"


def _rest(counts: Counter[TreatmentState], first: Treatment) -> str:
    others = counts.copy()
    others[first.state] -= 1
    parts = [
        f"{others[state]} more {str(state).replace('_', ' ')}"
        for state in (*sorted(FAILED_TREATMENT_STATES), TreatmentState.CANCELLED)
        if others[state]
    ]
    return "".join(f"; {part}" for part in parts)
