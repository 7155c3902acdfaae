"""Plans of runs and their JSON form.

Admission works from a plan. It holds every treatment in full, so that no later step reads the document again.
"""

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cadence.domain.melodium.element import ElementSpec
from cadence.domain.melodium.specification import ENGINE_TAGS, engine_from_json
from cadence.domain.pipelines.specification import (
    CacheSpec,
    ConcurrencyPolicy,
    InputSpec,
    OutputSpec,
    RetrySpec,
    ServiceSpec,
    SoftFailSpec,
    SourceSelection,
    SplitSpec,
    StoredContent,
    TreatmentKind,
    TreatmentSpec,
    TriggerSpec,
)
from cadence.domain.pipelines.step_spec import StepSpec


@dataclass(frozen=True, slots=True)
class Plan:
    """The treatments of one run, its concurrency group and its priority.

    Runs of a project in the same concurrency group wait for each other, unless `concurrency_policy` is another than
    `queue`.
    """

    treatments: tuple[TreatmentSpec, ...]
    concurrency_group: str | None = None
    concurrency_policy: ConcurrencyPolicy = ConcurrencyPolicy.QUEUE
    priority: int = 0


def encode(specs: Sequence[TreatmentSpec]) -> bytes:
    """Returns a plan's treatments as canonical JSON (UTF-8), so that equal plans have equal digests.

    Scripts that instances share are written once, in `texts`.
    """
    shared: dict[str, int] = {}
    data = {"plan": 1, "treatments": [_shared(spec_to_json(spec), shared) for spec in specs], "texts": list(shared)}
    return json.dumps(data, sort_keys=True, separators=(",", ":")).encode()


def decode(content: bytes) -> tuple[TreatmentSpec, ...]:
    """Returns the treatments from what `encode` wrote."""
    data = json.loads(content)
    texts = data.get("texts", ())
    specs = []
    for item in data["treatments"]:
        if "run_text" in item:
            item["run"] = texts[item.pop("run_text")]
        specs.append(spec_from_json(item))
    return tuple(specs)


def _shared(item: dict[str, Any], texts: dict[str, int]) -> dict[str, Any]:
    """Replaces the script of an instance by the number of a text in the plan."""
    if "group" in item and "run" in item:
        item["run_text"] = texts.setdefault(item.pop("run"), len(texts))
    return item


def spec_to_json(spec: TreatmentSpec) -> dict[str, Any]:
    """Returns a specification as JSON data without the fields that have their defaults, so that plans stay small."""
    data: dict[str, Any] = _without_defaults(spec)
    return data


def spec_from_json(data: Mapping[str, Any]) -> TreatmentSpec:
    """Returns the specification from what `spec_to_json` wrote."""
    fields = dict(data)
    for name, build in _PARTS.items():
        if fields.get(name) is not None:
            fields[name] = build(fields[name])
    return TreatmentSpec(**fields)


def _default(of: "dataclasses.Field[Any]") -> Any:
    return of.default_factory() if of.default_factory is not dataclasses.MISSING else of.default


def _without_defaults(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        data = {
            f.name: _without_defaults(v)
            for f in dataclasses.fields(value)
            if (v := getattr(value, f.name)) != _default(f)
        }
        tag = ENGINE_TAGS.get(type(value))
        return {tag: data} if tag else data
    if isinstance(value, tuple | list):
        return [_without_defaults(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else value


def _service(data: Mapping[str, Any]) -> ServiceSpec:
    command = tuple(data["command"]) if data.get("command") is not None else None
    lists = {name: tuple(data.get(name, ())) for name in ("ports", "health_command")}
    return ServiceSpec(**{**data, **lists, "command": command})


def _cache(data: Mapping[str, Any]) -> CacheSpec:
    return CacheSpec(**{**data, **{name: tuple(data.get(name, ())) for name in ("paths", "files", "restore")}})


def _input(data: Mapping[str, Any]) -> InputSpec:
    stored, selection = data.get("stored"), data.get("selection")
    return InputSpec(
        **{
            **data,
            "stored": StoredContent(**stored) if stored else None,
            "selection": SourceSelection(**{**selection, "paths": tuple(selection.get("paths", ()))})
            if selection is not None
            else None,
        }
    )


def _each(build: Callable[[Mapping[str, Any]], Any]) -> Callable[[Iterable[Mapping[str, Any]]], tuple[Any, ...]]:
    return lambda items: tuple(build(item) for item in items)


_PARTS: dict[str, Callable[[Any], Any]] = {
    "kind": TreatmentKind,
    "steps": _each(lambda data: StepSpec(**data)),
    "inputs": _each(_input),
    "outputs": _each(lambda data: OutputSpec(**{**data, "grows": tuple(data.get("grows", ()))})),
    "pools": tuple,
    "residency": tuple,
    "quarantine": tuple,
    "split": lambda data: SplitSpec(**data),
    "after": tuple,
    "when_over": tuple,
    "instances": tuple,
    "retry": lambda data: RetrySpec(**{**data, "exit_codes": tuple(data.get("exit_codes", ()))}),
    "soft_fail": lambda data: SoftFailSpec(tuple(data.get("exit_codes", ()))),
    "services": _each(_service),
    "caches": _each(_cache),
    "instance": spec_from_json,
    "trigger": lambda data: TriggerSpec(**data),
    "engine": engine_from_json,
    "element": lambda data: ElementSpec(**{**data, "secrets": tuple(data.get("secrets", ()))}),
}
