"""The admission of a run: the state of each treatment and each edge before anything has run."""

import dataclasses
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from cadence.domain.pipelines.specification import REPORTS_PORT, TreatmentKind, TreatmentSpec
from cadence.domain.runs import outcome_text
from cadence.domain.runs.edge import Edge, EdgeState, edges_of
from cadence.domain.runs.history import StateChange
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import TreatmentState


@dataclasses.dataclass(frozen=True)
class Beginning:
    """The treatments and edges of a run at its admission."""

    treatments: Sequence[Treatment]
    edges: Sequence[Edge]


def beginning(
    run_id: str,
    specs: Sequence[TreatmentSpec],
    at: datetime,
    kept: Mapping[str, str] | None = None,
    notes: Mapping[str, str] | None = None,
) -> Beginning:
    """Returns the first state of all treatments and edges of a run.

    What is decided already does not wait: treatments in `kept` have succeeded, those that never run are skipped, and
    both spread along the edges. `kept` maps treatments to the runs that made their values; `notes` say why others run
    again.
    """
    kept, notes = kept or {}, notes or {}
    edges = {_key(edge): edge for edge in edges_of(run_id, specs)}
    outgoing: defaultdict[str, list[Edge]] = defaultdict(list)
    for edge in edges.values():
        outgoing[edge.producer].append(edge)
    bounds = {
        name: spec.name
        for spec in specs
        if spec.kind is TreatmentKind.GATHER and spec.parallel
        for name in spec.instances
    }
    treatments = {spec.name: _first(run_id, spec, at, bounds.get(spec.name), kept, notes) for spec in specs}
    decided = deque(treatment for treatment in treatments.values() if treatment.state.final)
    while decided:
        producer = decided.popleft()
        for edge in outgoing[producer.name]:
            fired = edge.trigger.fired_by(producer.state)
            edges[_key(edge)] = dataclasses.replace(edge, state=EdgeState.DELIVERED if fired else EdgeState.DEAD)
            consumer = treatments[edge.consumer]
            if not fired and not consumer.state.final:
                cause = outcome_text.skipped_because(edge, producer.state)
                skipped = _decided(consumer, TreatmentState.SKIPPED, cause, at)
                treatments[edge.consumer] = skipped
                decided.append(skipped)
    return Beginning(_counted(treatments.values(), edges.values()), tuple(edges.values()))


def with_growth(specs: Sequence[TreatmentSpec]) -> Sequence[TreatmentSpec]:
    """Returns the specifications with each output naming the `each` treatments that it feeds.

    So a producer that sends through the output need not look for them.
    """
    grown: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for spec in specs:
        if spec.kind is TreatmentKind.EACH:
            for port in spec.inputs:
                if port.port == spec.each and port.source_treatment and port.source_port:
                    grown[port.source_treatment, port.source_port].append(spec.name)
    producers = {producer for producer, _ in grown}
    return [_growing(spec, grown) if spec.name in producers else spec for spec in specs]


def _growing(spec: TreatmentSpec, grown: Mapping[tuple[str, str], Sequence[str]]) -> TreatmentSpec:
    outputs = tuple(
        dataclasses.replace(output, grows=tuple(grown[spec.name, output.port]))
        if (spec.name, output.port) in grown
        else output
        for output in spec.outputs
    )
    return dataclasses.replace(spec, outputs=outputs)


def _first(
    run_id: str,
    spec: TreatmentSpec,
    at: datetime,
    bound: str | None,
    kept: Mapping[str, str],
    notes: Mapping[str, str],
) -> Treatment:
    treatment = Treatment(
        run_id=run_id,
        name=spec.name,
        state=TreatmentState.PENDING,
        waiting=0,
        kind=spec.kind,
        bounded_by=bound,
        conditional=spec.when is not None,
        reports=any(port.port == REPORTS_PORT for port in spec.outputs),
        cause=notes.get(spec.name),
        history=(StateChange(at, 1, TreatmentState.PENDING),),
    )
    if spec.name in kept:
        succeeded = _decided(treatment, TreatmentState.SUCCEEDED, treatment.cause, at)
        return dataclasses.replace(succeeded, kept_from=kept[spec.name])
    if spec.never:
        return _decided(treatment, TreatmentState.SKIPPED, spec.never, at)
    return treatment


def _decided(treatment: Treatment, state: TreatmentState, cause: str | None, at: datetime) -> Treatment:
    """Returns the treatment as one that ended before it began."""
    history = (StateChange(at, 1, state, cause or ""),)
    return dataclasses.replace(treatment, state=state, cause=cause, finished_at=at, conditional=False, history=history)


def _counted(treatments: Iterable[Treatment], edges: Iterable[Edge]) -> Sequence[Treatment]:
    pending: defaultdict[str, int] = defaultdict(int)
    for edge in edges:
        pending[edge.consumer] += edge.state is EdgeState.PENDING
    return tuple(dataclasses.replace(treatment, waiting=pending[treatment.name]) for treatment in treatments)


def _key(edge: Edge) -> tuple[str, str, str]:
    return edge.producer, edge.consumer, edge.trigger
