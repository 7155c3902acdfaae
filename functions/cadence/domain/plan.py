"""A plan: what admission works from. It holds every treatment in full, so that no later step reads the document again."""

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cadence.domain.run import (
    CacheSpec,
    Edge,
    InputSpec,
    Kind,
    OutputSpec,
    RetrySpec,
    ServiceSpec,
    TreatmentSpec,
    Trigger,
    TriggerSpec,
)

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
                retry=RetrySpec(treatment.retry_infrastructure, treatment.retry_failure),
            )
        )
    return tuple(specs)


def edges(run_id: str, specs: Iterable[TreatmentSpec]) -> tuple[Edge, ...]:
    """Everything that any treatment waits for, each once."""
    found: dict[tuple[str, str, Trigger], Edge] = {}
    for spec in specs:
        waits = [(producer, Trigger.COMPLETED) for producer in spec.after]
        waits += [(port.source_treatment, _trigger(port)) for port in spec.inputs if port.source_treatment]
        waits += [(producer, Trigger.SETTLED) for producer in (*spec.instances, *spec.when_over)]
        for producer, trigger in waits:
            found[producer, spec.name, trigger] = Edge(run_id, producer, spec.name, trigger)
    return tuple(found.values())


def encode(specs: Sequence[TreatmentSpec]) -> bytes:
    """Canonical JSON: equal plans have equal digests."""
    data = {"plan": 1, "treatments": [spec_to_json(spec) for spec in specs]}
    return json.dumps(data, sort_keys=True, separators=(",", ":")).encode()


def decode(content: bytes) -> tuple[TreatmentSpec, ...]:
    data = json.loads(content)
    return tuple(spec_from_json(item) for item in data["treatments"])


def spec_to_json(spec: TreatmentSpec) -> dict[str, Any]:
    """Without what is as a new spec has it, so that plans stay small."""
    data: dict[str, Any] = _plain(spec)
    return data


def spec_from_json(data: Mapping[str, Any]) -> TreatmentSpec:
    read = dict(data)
    for name, build in _PARTS.items():
        if read.get(name) is not None:
            read[name] = build(read[name])
    return TreatmentSpec(**read)


def _default(of: "dataclasses.Field[Any]") -> Any:
    return of.default_factory() if of.default_factory is not dataclasses.MISSING else of.default


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(v) for f in dataclasses.fields(value) if (v := getattr(value, f.name)) != _default(f)}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else value


def _service(data: Mapping[str, Any]) -> ServiceSpec:
    command = tuple(data["command"]) if data.get("command") is not None else None
    lists = {name: tuple(data.get(name, ())) for name in ("ports", "health_command")}
    return ServiceSpec(**{**data, **lists, "command": command})


def _cache(data: Mapping[str, Any]) -> CacheSpec:
    return CacheSpec(**{**data, **{name: tuple(data.get(name, ())) for name in ("paths", "files", "restore")}})


def _each(build: Callable[[Mapping[str, Any]], Any]) -> Callable[[Iterable[Mapping[str, Any]]], tuple[Any, ...]]:
    return lambda items: tuple(build(item) for item in items)


_PARTS: dict[str, Callable[[Any], Any]] = {
    "kind": Kind,
    "inputs": _each(lambda data: InputSpec(**data)),
    "outputs": _each(lambda data: OutputSpec(**{**data, "grows": tuple(data.get("grows", ()))})),
    "pools": tuple,
    "after": tuple,
    "when_over": tuple,
    "instances": tuple,
    "retry": lambda data: RetrySpec(**{**data, "exit_codes": tuple(data.get("exit_codes", ()))}),
    "services": _each(_service),
    "caches": _each(_cache),
    "instance": spec_from_json,
    "trigger": lambda data: TriggerSpec(**data),
}


def _trigger(port: InputSpec) -> Trigger:
    if port.flow == "stream":
        return Trigger.OPENED
    return _LIFECYCLE.get(port.source_port or "", Trigger.COMPLETED)
