"""A plan: what admission works from. It holds every treatment in full, so that no later step reads the document again."""

import dataclasses
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from cadence.domain.run import Edge, InputSpec, OutputSpec, Treatment, TreatmentSpec, TreatmentState, Trigger

if TYPE_CHECKING:
    from cadence.domain.document import Pipeline

# The outputs that every treatment has without declaring them.
_LIFECYCLE = {trigger.value: trigger for trigger in (Trigger.COMPLETED, Trigger.FAILED, Trigger.FINISHED)}


def plan(pipeline: "Pipeline") -> tuple[TreatmentSpec, ...]:
    """One spec per treatment of a checked pipeline, each input with the output that feeds it."""
    sources = {(c.target_treatment, c.target_port): (c.source_treatment, c.source_port) for c in pipeline.connections}
    specs = []
    for treatment in pipeline.treatments.values():
        inputs = []
        for port in treatment.inputs.values():
            source = sources.get((treatment.name, port.name), (None, None))
            inputs.append(InputSpec(port.name, str(port.flow), str(port.type), *source))
        specs.append(
            TreatmentSpec(
                name=treatment.name,
                run=treatment.run,
                shell=treatment.shell,
                image=treatment.image,
                inputs=tuple(inputs),
                outputs=tuple(OutputSpec(p.name, str(p.flow), str(p.type)) for p in treatment.outputs.values()),
                env=dict(treatment.env),
                secrets=dict(treatment.secrets),
                pools=tuple(treatment.pools),
                cpu=treatment.cpu,
                memory=treatment.memory,
                storage=treatment.storage,
                arch=treatment.arch,
                max_duration=treatment.max_duration,
                after=tuple(treatment.after),
                retry_infrastructure=treatment.retry_infrastructure,
                retry_failure=treatment.retry_failure,
            )
        )
    return tuple(specs)


def edges(run_id: str, specs: Iterable[TreatmentSpec]) -> tuple[Edge, ...]:
    """Everything that any treatment waits for, each once."""
    found: dict[tuple[str, str, Trigger], Edge] = {}
    for spec in specs:
        waits = [(producer, Trigger.COMPLETED) for producer in spec.after]
        waits += [(port.source_treatment, _trigger(port)) for port in spec.inputs if port.source_treatment]
        for producer, trigger in waits:
            found[producer, spec.name, trigger] = Edge(run_id, producer, spec.name, trigger)
    return tuple(found.values())


def treatments(run_id: str, specs: Sequence[TreatmentSpec], its_edges: Iterable[Edge]) -> tuple[Treatment, ...]:
    waiting = {spec.name: 0 for spec in specs}
    for edge in its_edges:
        waiting[edge.consumer] += 1
    return tuple(Treatment(run_id, name, TreatmentState.PENDING, count) for name, count in waiting.items())


def encode(specs: Sequence[TreatmentSpec]) -> bytes:
    """Canonical JSON: equal plans have equal digests."""
    data = {"plan": 1, "treatments": [dataclasses.asdict(spec) for spec in specs]}
    return json.dumps(data, sort_keys=True, separators=(",", ":")).encode()


def decode(content: bytes) -> tuple[TreatmentSpec, ...]:
    data = json.loads(content)
    return tuple(spec_from_json(item) for item in data["treatments"])


def spec_from_json(data: dict[str, Any]) -> TreatmentSpec:
    return TreatmentSpec(
        **{
            **data,
            "inputs": tuple(InputSpec(**port) for port in data["inputs"]),
            "outputs": tuple(OutputSpec(**port) for port in data["outputs"]),
            "pools": tuple(data["pools"]),
            "after": tuple(data["after"]),
        }
    )


def _trigger(port: InputSpec) -> Trigger:
    if port.flow == "stream":
        return Trigger.OPENED
    return _LIFECYCLE.get(port.source_port or "", Trigger.COMPLETED)
