"""Extracts one treatment from the events of a Mélodium run and its program dump, with everything for a replay."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..shared.errors import AgentError

Json = dict[str, Any]

_ROOT = "main"
_OPAQUE = {"Executor", "FileSystem", "Access"}


class NotReplayable(AgentError):
    """Says why a treatment cannot be replayed."""


@dataclass
class CapturedPort:
    """The values of a port, in order, as Mélodium writes them."""

    name: str
    flow: str
    type: Any
    values: list[Any] = field(default_factory=list)


@dataclass
class CapturedTreatment:
    """One instance of a treatment: its element, its parameters and models, and the values of its ports."""

    label: str
    element: Json
    generics: Json
    parameters: dict[str, Json]
    models: list[Json]
    inputs: list[CapturedPort]
    outputs: list[CapturedPort]
    version: str


def find(events: Iterable[Json], dump: Json, label: str) -> CapturedTreatment:
    """Returns the instance whose label, or path of labels, is ``label``. Raises NotReplayable."""
    return _CaptureReader(list(_own(events)), dump).find(label)


def _own(events: Iterable[Json]) -> Iterator[Json]:
    """Yields events of this engine only: those that distant engines sent on belong to other treatments."""
    for event in events:
        kind = event.get("kind")
        if isinstance(kind, dict) and "distant" not in kind:
            yield kind


class _CaptureReader:
    def __init__(self, kinds: list[Json], dump: Json) -> None:
        self._kinds = kinds
        self._elements = {}
        for element in dump["collection"]["elements"]:
            (body,) = element.values()
            self._elements[_text(body["identifier"])] = body
        self._entrypoint = _text(dump["entrypoint"])
        self._built = [kind["treatment_built"] for kind in kinds if "treatment_built" in kind]

    def find(self, label: str) -> CapturedTreatment:
        matching = [built for built in self._built if label in (built["label"], self._path(built))]
        if not matching and label == _ROOT:
            raise _made_of(label, self._elements[self._entrypoint])
        if not matching:
            known = ", ".join(sorted({self._path(built) for built in self._built})[:20])
            raise NotReplayable(f"there is no treatment {label}; there are {known}")
        if len(matching) > 1:
            paths = ", ".join(f"{self._path(built)} (track {_track(built)})" for built in matching[:10])
            raise NotReplayable(f"{label} is not one treatment: {paths}")
        return self._captured(matching[0])

    def _captured(self, built: Json) -> CapturedTreatment:
        name = _text(built["treatment"])
        element = self._elements.get(name)
        if element is None:
            raise NotReplayable(f"{name} is not in the program's dump")
        if element["implementation_kind"] != "compiled":
            raise _made_of(built["label"], element)
        if element.get("contexts") or built["environment"].get("contexts"):
            raise NotReplayable(f"{built['label']} needs a context ({name} takes part in what began its track)")
        design = self._design_of(built)
        parameters = self._parameters(built, design)
        return CapturedTreatment(
            label=built["label"],
            element=element,
            generics=design.get("generics") or {},
            parameters=parameters,
            models=self._models(built, design),
            inputs=[self._input(built, port) for port in element["inputs"].values()],
            outputs=[self._output(built, port) for port in element["outputs"].values()],
            version=built["treatment"].get("version") or "",
        )

    def _design_of(self, built: Json) -> Json:
        """Returns the generics and models with which the host treatment instantiates this one."""
        host = _host(built)
        element = self._elements.get(host, {}) if host else {}
        kind = element.get("implementation_kind")
        designed = kind.get("designed") or {} if isinstance(kind, dict) else {}
        found: Json = designed.get("treatments", {}).get(built["label"], {})
        return found

    def _parameters(self, built: Json, design: Json) -> dict[str, Json]:
        values = dict(built["environment"].get("variables") or {})
        known = self._elements[_text(built["treatment"])]["parameters"]
        for name, value in values.items():
            _restorable(value, f"the parameter {name} of {built['label']}")
        missing = [
            name
            for name, parameter in known.items()
            if name not in values and parameter.get("default") is None and name in design.get("parameters", {})
        ]
        for name in missing:
            declared = design["parameters"][name]
            if "raw" not in declared:
                raise NotReplayable(f"the parameter {name} of {built['label']} was not captured")
            values[name] = declared["raw"]
        return {name: value for name, value in values.items() if name in known}

    def _models(self, built: Json, design: Json) -> list[Json]:
        needed = self._elements[_text(built["treatment"])].get("models") or {}
        if not needed:
            return []
        models = {
            (_host(kind["model_built"]), kind["model_built"].get("host_build"), kind["model_built"]["label"]): kind[
                "model_built"
            ]
            for kind in self._kinds
            if "model_built" in kind
        }
        found = []
        for name in needed:
            label = (design.get("models") or {}).get(name)
            model = models.get((_host(built), built["host_build"], label))
            if model is None:
                raise NotReplayable(f"the model {name} of {built['label']} comes from elsewhere in the program")
            for parameter, value in model["parameters"].items():
                _restorable(value, f"the parameter {parameter} of the model {label}")
            found.append({"name": name, "label": label, **model})
        return found

    def _input(self, built: Json, port: Json) -> CapturedPort:
        """Returns the values that the connected outputs sent to this input, in order."""
        found = CapturedPort(port["name"], port["flow"], port["described_type"])
        cursors: dict[Any, int] = {}
        for kind in self._kinds:
            moved = kind.get("data_transmitted")
            if moved is None or not _is(moved["input"], built, port["name"], moved["track_id"]):
                continue
            source = _key(moved["output"], moved["track_id"])
            sent = self._sent(source)
            start = cursors.get(source, 0)
            cursors[source] = start + moved["data"]["count"]["count"]
            found.values += sent[start : cursors[source]]
        for value in found.values:
            _restorable(value, f"the input {port['name']} of {built['label']}")
        if not found.values and self._received(built, port["name"]):
            raise NotReplayable(
                f"the input {port['name']} of {built['label']} came from a source, whose values are not captured"
            )
        return found

    def _output(self, built: Json, port: Json) -> CapturedPort:
        values = self._sent((_text(built["treatment"]), built["build_id"], _track(built), port["name"]))
        return CapturedPort(port["name"], port["flow"], port["described_type"], list(values))

    def _sent(self, source: Any) -> list[Any]:
        values: list[Any] = []
        for kind in self._kinds:
            sent = kind.get("data_sent")
            if sent is not None and _key(sent["output"], sent["track_id"]) == source:
                if "values" not in sent["data"]:
                    raise NotReplayable("the events hold no values: run the program with --debug-level detailed")
                values += sent["data"]["values"]["values"]
        return values

    def _received(self, built: Json, port: str) -> bool:
        """Returns whether more than an empty end arrived: reading one value counts one also if there is none."""
        counts = [
            kind["data_received"]["data"]["count"]["count"]
            for kind in self._kinds
            if "data_received" in kind
            and _is(kind["data_received"]["input"], built, port, kind["data_received"]["track_id"])
        ]
        fed = any(
            "data_transmitted" in kind
            and _is(kind["data_transmitted"]["input"], built, port, kind["data_transmitted"]["track_id"])
            for kind in self._kinds
        )
        return sum(counts) > 1 and not fed

    def _path(self, built: Json) -> str:
        host = _host(built)
        parent = next(
            (
                candidate
                for candidate in self._built
                if host == _text(candidate["treatment"])
                and candidate["build_id"] == built["host_build"]
                and _track(candidate) == _track(built)
            ),
            None,
        )
        if parent is not None and parent is not built:
            return f"{self._path(parent)}/{built['label']}"
        return f"{_ROOT}/{built['label']}" if host == self._entrypoint else str(built["label"])


def _made_of(label: str, element: Json) -> NotReplayable:
    designed = element["implementation_kind"].get("designed") or {}
    parts = ", ".join(designed.get("treatments", {})) or "none"
    return NotReplayable(f"{label} is made of others, which can be replayed each: {parts}")


def _restorable(value: Any, what: str) -> None:
    """Raises NotReplayable for a value that an engine cannot read back."""
    if not isinstance(value, dict) or len(value) != 1:
        raise NotReplayable(f"{what} cannot be restored: a number that is none, or what is not known")
    ((name, content),) = value.items()
    if name == "data":
        identifier, bytes_ = content
        if identifier["name"] in _OPAQUE or bytes_ is None:
            raise NotReplayable(f"{what} cannot be restored: a {_text(identifier)} exists only inside of its engine")
    elif name == "vec":
        for item in content:
            _restorable(item, what)
    elif name == "option" and content is not None:
        _restorable(content, what)
    elif name == "secret":
        raise NotReplayable(f"{what} cannot be restored: it is a secret")
    elif name in ("f32", "f64") and content is None:
        raise NotReplayable(f"{what} cannot be restored: engines write NaN and infinity as nothing")


def _text(identifier: Json) -> str:
    return f"{'/'.join(identifier['path'])}::{identifier['name']}"


def _host(built: Json) -> str | None:
    host = built["host_treatment"]
    return _text(host["treatment"]) if isinstance(host, dict) else None


def _track(built: Json) -> Any:
    return built["environment"]["track_id"]


def _key(port: Json, track: Any) -> Any:
    return (_text(port["treatment"]), port["build_id"], track, port["name"])


def _is(port: Json, built: Json, name: str, track: Any) -> bool:
    return bool(_key(port, track) == (_text(built["treatment"]), built["build_id"], _track(built), name))
