"""What a run takes over from an earlier one of the same plan: all that succeeded and depends on nothing that did not."""

import dataclasses
import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runs.edge import edges_of
from cadence.domain.runs.run import Origin, Treatment, Value
from cadence.domain.runs.states import TreatmentState


@dataclass(frozen=True)
class ReusedTreatments:
    """`treatments` maps those taken over to the runs that made their values; `notes` say why others run again.

    `called` are what those had other names there.
    """

    treatments: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    called: Mapping[str, str] = field(default_factory=dict)


def kept(
    specs: Sequence[TreatmentSpec],
    earlier: Mapping[str, Treatment],
    again: Collection[str] = (),
    notes: Mapping[str, str] | None = None,
) -> ReusedTreatments:
    """`again` run once more although they succeeded, and so does whatever depends on them."""
    consumers: defaultdict[str, list[str]] = defaultdict(list)
    for edge in edges_of("", specs):
        consumers[edge.producer].append(edge.consumer)
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
    return ReusedTreatments(treatments, dict(notes or {}))


def needed(specs: Sequence[TreatmentSpec], what: ReusedTreatments) -> set[tuple[str, str]]:
    """The (treatment, port) taken over that something that runs again reads."""
    found = set()
    for spec in specs:
        if spec.name not in what.treatments:
            found |= {(given.source_treatment or "", given.source_port or "") for given in spec.inputs}
            found |= {(name, output.port) for name in spec.instances for output in spec.outputs}
    return {(treatment, port) for treatment, port in found if treatment in what.treatments}


def taken_over(value: Value, run_id: str, name: str | None = None) -> Value:
    """The same value in another run, by reference to where it was made; of a treatment that is called `name` here."""
    if name not in (None, value.treatment):
        origin = value.origin if value.origin and not value.origin.copied else None
        made = origin or Origin(value.kept_from or value.run_id, value.treatment, value.port)
        return dataclasses.replace(value, run_id=run_id, treatment=str(name), kept_from=None, origin=made)
    return dataclasses.replace(value, run_id=run_id, kept_from=value.kept_from or value.run_id)


def encode(what: ReusedTreatments) -> bytes:
    """Canonical JSON."""
    return json.dumps(dataclasses.asdict(what), sort_keys=True, separators=(",", ":")).encode()


def decode(content: bytes) -> ReusedTreatments:
    return ReusedTreatments(**json.loads(content))


def _succeeded(treatment: Treatment | None) -> bool:
    return treatment is not None and treatment.state is TreatmentState.SUCCEEDED
