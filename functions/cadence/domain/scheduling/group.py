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
    """Of an `each` treatment's instances, counted from 0."""
    return f"{group}:{number}"


@dataclass(frozen=True, kw_only=True)
class EachProgress:
    """How far an `each` treatment has got in making instances. `version` counts its changes.

    The next element begins at `offset` of chunk `sequence` of the producer's attempt `epoch`. `digest` is over the
    elements taken, so that a producer that begins anew can be held to them. The machines of the first `started`
    instances have been started. Once `closed` no more are made; `failure` says why, if not because the source ended.
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
        return [instance_name(self.group, number) for number in range(self.made)]


def chained(digest: str, element: bytes) -> str:
    """The digest of the elements so far and one more."""
    return hashlib.sha256(digest.encode() + b"\0" + element).hexdigest()


@dataclass(frozen=True)
class InstanceSlots:
    """Which instances of a group are under way, at most `limit`, and which wait for that, first come first."""

    limit: int
    under_way: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    version: int = 0

    def entered(self, name: str) -> "InstanceSlots":
        if name in self.under_way or name in self.waiting:
            return self
        return dataclasses.replace(self, waiting=(*self.waiting, name)).filled()

    def left(self, name: str) -> "InstanceSlots":
        if name not in self.under_way and name not in self.waiting:
            return self
        return dataclasses.replace(
            self,
            under_way=tuple(other for other in self.under_way if other != name),
            waiting=tuple(other for other in self.waiting if other != name),
        ).filled()

    def filled(self) -> "InstanceSlots":
        free = max(0, self.limit - len(self.under_way))
        return dataclasses.replace(self, under_way=(*self.under_way, *self.waiting[:free]), waiting=self.waiting[free:])


def verdict(instances: Sequence[Treatment]) -> tuple[TreatmentState, str | None]:
    """The group's state when all its instances have theirs, and why. Without instances it has succeeded."""
    counts = Counter(treatment.state for treatment in instances)
    if first := first_failed(instances):
        return TreatmentState.FAILED, f"{_told(first)}{_rest(counts, first)}"
    cancelled = [treatment for treatment in instances if treatment.state is TreatmentState.CANCELLED]
    if cancelled:
        return TreatmentState.CANCELLED, f"{_told(cancelled[0])}{_rest(counts, cancelled[0])}"
    if instances and counts[TreatmentState.SKIPPED] == len(instances):
        return TreatmentState.SKIPPED, instances[0].cause or "all its instances were skipped"
    return TreatmentState.SUCCEEDED, None


def first_failed(instances: Sequence[Treatment]) -> Treatment | None:
    failed = [treatment for treatment in instances if treatment.state in FAILED_TREATMENT_STATES]
    return min(failed, key=lambda treatment: (str(treatment.finished_at), treatment.name), default=None)


def instance_of(spec: TreatmentSpec, number: int, element: str) -> TreatmentSpec:
    """What the instance for one element of an `each` treatment runs."""
    assert spec.instance is not None
    inputs = tuple(
        dataclasses.replace(given, flow="block", literal=element, source_treatment=None, source_port=None)
        if given.port == spec.each
        else given
        for given in spec.instance.inputs
    )
    return dataclasses.replace(spec.instance, name=instance_name(spec.name, number), group=spec.name, inputs=inputs)


def _told(treatment: Treatment) -> str:
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
