"""The results that a run takes over from an earlier run of the same plan.

A treatment is taken over if it succeeded and depends only on treatments that did.
"""

import dataclasses
import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from cadence.domain.pipelines.outputs_read import outputs_read
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runs.edge import edges_of
from cadence.domain.runs.run import Origin, Treatment, Value
from cadence.domain.runs.states import TreatmentState


@dataclass(frozen=True)
class ReusedTreatments:
    """The treatments taken over: `treatments` maps them to the runs that made their values.

    `notes` say why others run again. `called` maps treatments to their names in the earlier run, where those differ.
    `resumed` are treatments that run again only because the runs that they started did not succeed: those runs go on
    from what succeeded in them.
    """

    treatments: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    called: Mapping[str, str] = field(default_factory=dict)
    resumed: Sequence[str] = ()


def kept(
    specs: Sequence[TreatmentSpec],
    earlier: Mapping[str, Treatment],
    again: Collection[str] = (),
    notes: Mapping[str, str] | None = None,
) -> ReusedTreatments:
    """Returns the treatments that are taken over.

    Those in `again` run once more although they succeeded, and so do all that depend on them.
    """
    consumers: defaultdict[str, list[str]] = defaultdict(list)
    producers: defaultdict[str, set[str]] = defaultdict(set)
    for edge in edges_of("", specs):
        consumers[edge.producer].append(edge.consumer)
        producers[edge.consumer].add(edge.producer)
    runs_again = {spec.name for spec in specs if spec.name in again or not _succeeded(earlier.get(spec.name))}
    waiting = list(runs_again)
    while waiting:
        for consumer in consumers[waiting.pop()]:
            if consumer not in runs_again:
                runs_again.add(consumer)
                waiting.append(consumer)
    treatments = {
        spec.name: earlier[spec.name].kept_from or earlier[spec.name].run_id
        for spec in specs
        if spec.name not in runs_again
    }
    resumed = [
        spec.name
        for spec in specs
        if spec.trigger is not None
        and spec.trigger.wait
        and spec.name in runs_again
        and spec.name not in again
        and producers[spec.name].isdisjoint(runs_again)
    ]
    return ReusedTreatments(treatments, dict(notes or {}), resumed=resumed)


def needed(specs: Sequence[TreatmentSpec], reused: ReusedTreatments) -> set[tuple[str, str]]:
    """Returns the (treatment, port) pairs taken over that a treatment which runs again reads."""
    sources = set()
    for spec in specs:
        if spec.name not in reused.treatments:
            sources |= {(port.source_treatment or "", port.source_port or "") for port in spec.inputs}
            sources |= {(name, output.port) for name in spec.instances for output in spec.outputs}
            sources |= set(outputs_read(spec.when))
    return {(treatment, port) for treatment, port in sources if treatment in reused.treatments}


def taken_over(value: Value, run_id: str, name: str | None = None) -> Value:
    """Returns the same value in another run, by reference to the run that made it.

    `name` is what its treatment is called in that run, if its name differs there.
    """
    if name not in (None, value.treatment):
        origin = value.origin if value.origin and not value.origin.copied else None
        source = origin or Origin(value.kept_from or value.run_id, value.treatment, value.port)
        return dataclasses.replace(value, run_id=run_id, treatment=str(name), kept_from=None, origin=source)
    return dataclasses.replace(value, run_id=run_id, kept_from=value.kept_from or value.run_id)


def encode(reused: ReusedTreatments) -> bytes:
    """Returns canonical JSON."""
    return json.dumps(dataclasses.asdict(reused), sort_keys=True, separators=(",", ":")).encode()


def decode(content: bytes) -> ReusedTreatments:
    """Returns what `encode` wrote."""
    return ReusedTreatments(**json.loads(content))


def _succeeded(treatment: Treatment | None) -> bool:
    return treatment is not None and treatment.state is TreatmentState.SUCCEEDED
