"""Edges: what one treatment waits for from another."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cadence.domain.pipelines.specification import InputSpec, TreatmentKind, TreatmentSpec
from cadence.domain.runs.states import FAILED_TREATMENT_STATES, TreatmentState


class Trigger(StrEnum):
    """The event of a producer that a consumer waits for."""

    OPENED = "opened"
    COMPLETED = "completed"
    PASSED = "passed"  # it succeeded, or failed without failing the run: `completed` of a treatment with `soft_fail`
    FAILED = "failed"
    FINISHED = "finished"
    SETTLED = "settled"  # it reached any final state; a `when` over its state waits for this

    def fired_by(self, state: TreatmentState, *, soft_failed: bool = False) -> bool:
        """Returns whether a producer that settled in `state` delivers this trigger; the edge is dead otherwise.

        `soft_failed`: it failed, and its failure does not fail the run.
        """
        match self:
            case Trigger.COMPLETED | Trigger.OPENED:
                return state is TreatmentState.SUCCEEDED
            case Trigger.PASSED:
                return state is TreatmentState.SUCCEEDED or soft_failed
            case Trigger.FAILED:
                return state in FAILED_TREATMENT_STATES
            case Trigger.FINISHED:
                return state not in {TreatmentState.SKIPPED, TreatmentState.CANCELLED}
            case Trigger.SETTLED:
                return state.final


class EdgeState(StrEnum):
    """The state of an edge; a dead one can never be delivered."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, kw_only=True)
class Edge:
    """One event of `producer` that `consumer` waits for."""

    run_id: str
    producer: str
    consumer: str
    trigger: Trigger
    state: EdgeState = EdgeState.PENDING


# The outputs that every treatment has without declaring them.
_LIFECYCLE = {trigger.value: trigger for trigger in (Trigger.COMPLETED, Trigger.FAILED, Trigger.FINISHED)}


def edges_of(run_id: str, specs: Sequence[TreatmentSpec]) -> tuple[Edge, ...]:
    """Returns all edges between the treatments, each once.

    The streams of a group exist only once all of its instances have ended, so that no consumer can read along.
    """
    groups = {spec.name for spec in specs if spec.kind in (TreatmentKind.GATHER, TreatmentKind.EACH)}
    soft = {spec.name for spec in specs if spec.soft_fail}
    edges: dict[tuple[str, str, Trigger], Edge] = {}
    for spec in specs:
        waits = [(producer, _passing(Trigger.COMPLETED, producer, soft)) for producer in spec.after]
        waits += [(name, Trigger.SETTLED) for name in (*spec.when_over, *spec.instances)]
        for port in spec.inputs:
            if port.source_treatment:
                trigger = _trigger(port, of_group=port.source_treatment in groups)
                if port.source_port == Trigger.COMPLETED:
                    trigger = _passing(trigger, port.source_treatment, soft)
                waits.append((port.source_treatment, trigger))
        for producer, trigger in waits:
            edges[producer, spec.name, trigger] = Edge(
                run_id=run_id, producer=producer, consumer=spec.name, trigger=trigger
            )
    return tuple(edges.values())


def _passing(trigger: Trigger, producer: str, soft: Collection[str]) -> Trigger:
    return Trigger.PASSED if producer in soft else trigger


def _trigger(port: InputSpec, *, of_group: bool) -> Trigger:
    if port.flow == "stream" and not of_group:
        return Trigger.OPENED
    return _LIFECYCLE.get(port.source_port or "", Trigger.COMPLETED)
