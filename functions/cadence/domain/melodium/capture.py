"""Captures a treatment that an engine has run, so that it can be run once more, or explains why it cannot.

A capture has everything but the values of its inputs, which are read where they are stored. Values are written in the
stored form, with their types as programs describe them (`{"vec": "u64"}`), or in the engines' form
(`{"raw": {"u64": 1}}`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cadence.domain.melodium.identifier import text_of
from cadence.domain.melodium.model import ROOT, SELF, PortName, ProgramElement, ProgramModel
from cadence.domain.melodium.rawvalue import type_text
from cadence.domain.melodium.redaction import MASK, holds_redacted, is_secret
from cadence.domain.shared.errors import Conflict

FILE = "capture.json"
_OPAQUE = frozenset({"Executor", "FileSystem", "Access"})
_DEEPEST = 100
_LISTED = 10


@dataclass(frozen=True, kw_only=True)
class CapturedPort:
    """A port of a captured treatment.

    `described` is its type without generics. `source` is the output that feeds an input; `given` are the values that an
    input had from the engine itself.
    """

    name: str
    flow: str
    described: Any
    source: PortName | None = None
    given: Sequence[Any] | None = None

    @property
    def type(self) -> str:
        """The type as text."""
        return type_text(self.described, {})


@dataclass(frozen=True, kw_only=True)
class EngineCapture:
    """A captured treatment. `elements` are the parts of the program's dump that launching it requires."""

    label: str
    identifier: Mapping[str, Any]
    generics: Mapping[str, Any]
    parameters: Mapping[str, Any]
    models: Sequence[Mapping[str, Any]]
    inputs: Sequence[CapturedPort]
    outputs: Sequence[CapturedPort]
    elements: Sequence[Mapping[str, Any]]

    def json(self) -> dict[str, Any]:
        """Returns the capture as JSON data for an agent."""
        return {
            "capture": 1,
            "label": self.label,
            "treatment": self.identifier,
            "generics": self.generics,
            "parameters": self.parameters,
            "models": list(self.models),
            "inputs": [_port_json(port) for port in self.inputs],
            "outputs": [_port_json(port) for port in self.outputs],
            "elements": list(self.elements),
        }


@dataclass
class Capturing:
    """Captures treatments of one process from its last stored model and its program's dump, both without secrets."""

    model: ProgramModel
    dump: Mapping[str, Any]
    _bodies: dict[str, dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        elements = (self.dump.get("collection") or {}).get("elements") or ()
        self._bodies = {text_of(body["identifier"]): dict(body) for each in elements for body in each.values()}

    def capture(self, name: str, sources: Mapping[str, PortName]) -> EngineCapture:
        """Returns the capture of an element. `sources` are the outputs that fed its inputs.

        Raises Conflict with the reason if the element cannot be run again.
        """
        if name == f"{ROOT}/{SELF}":
            raise Conflict(f"{name} stands for the sender of the program's inputs: there is nothing to run.")
        element = self.model.elements.get(name)
        if element is None:
            raise Conflict(f"{name} cannot be replayed: its engine's report about it is not kept.")
        body = self._bodies.get(element.treatment)
        if body is None:
            raise Conflict(
                f"{name} cannot be replayed: {element.treatment} is not in the program that its engine reported."
            )
        if body.get("implementation_kind") != "compiled":
            raise Conflict(f"{name} is made of others, which can be replayed each: {self._parts(element)}.")
        if self._begins_tracks(body):
            raise Conflict(f"{name} began its track: its values come from outside of the program.")
        if body.get("contexts"):
            needed = ", ".join(sorted(body["contexts"]))
            raise Conflict(f"{name} cannot be replayed: it needs the context {needed} of its track's source.")
        generics = self._generics(element)
        ports = [
            self._input(element, port, _solved(port["described_type"], generics), sources.get(each))
            for each, port in (body.get("inputs") or {}).items()
        ]
        return EngineCapture(
            label=element.label,
            identifier=body["identifier"],
            generics=generics,
            parameters=self._parameters(element, body, generics),
            models=[self._model(element, model) for model in body.get("models") or ()],
            inputs=ports,
            outputs=[
                CapturedPort(name=each, flow=port["flow"], described=_solved(port["described_type"], generics))
                for each, port in (body.get("outputs") or {}).items()
                if self._is_taken(element, each)
            ],
            elements=self._needed(element, body),
        )

    def _parts(self, element: ProgramElement) -> str:
        names = [part for part in element.parts if part in self.model.elements]
        more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
        return ", ".join(names[:_LISTED]) + more or "none is known"

    def _begins_tracks(self, body: Mapping[str, Any]) -> bool:
        """Whether a treatment is a source of one of its models."""
        models = (self._bodies.get(text_of(identifier), {}) for identifier in (body.get("models") or {}).values())
        return any(body["identifier"]["name"] in (model.get("sources") or ()) for model in models)

    def _generics(self, element: ProgramElement, depth: int = 0) -> Mapping[str, Any]:
        """Returns the types of the generics in an element's definition."""
        host = self.model.elements.get(element.host or "")
        part = self._part(element) if host else {}
        if not part.get("generics") or host is None or depth > _DEEPEST:
            return {}
        outer = self._generics(host, depth + 1)
        return {name: _solved(described, outer) for name, described in part["generics"].items()}

    def _part(self, element: ProgramElement) -> Mapping[str, Any]:
        """Returns the entry for an element in its host's design."""
        entry: Mapping[str, Any] = self._design(self._host(element)).get("treatments", {}).get(element.label) or {}
        return entry

    def _host(self, element: ProgramElement) -> ProgramElement | None:
        return self.model.elements.get(element.host or "")

    def _design(self, host: ProgramElement | None) -> Mapping[str, Any]:
        if host is None:
            return {}
        treatment = self.model.entrypoint if host.name == ROOT else host.treatment
        kind = self._bodies.get(treatment, {}).get("implementation_kind")
        design: Mapping[str, Any] = kind.get("designed") or {} if isinstance(kind, Mapping) else {}
        return design

    def _input(
        self, element: ProgramElement, port: Mapping[str, Any], described: Any, source: PortName | None
    ) -> CapturedPort:
        name, subject = port["name"], f"the input {port['name']} of {element.name}"
        if opaque := _opaque(described):
            raise Conflict(f"{subject} cannot be restored: a {opaque} exists only inside of its engine.")
        if source is None:
            return CapturedPort(name=name, flow=port["flow"], described=described)
        producer = self.model.elements.get(source[0])
        sent = self.model.outputs.get(source)
        if sent and sent.counted:
            raise Conflict(f"{subject} was not reported: its engine was started without `--debug-level detailed`.")
        if producer and source not in self.model.outputs:
            if not self._begins_tracks(self._bodies.get(producer.treatment, {})):
                return CapturedPort(name=name, flow=port["flow"], described=described)  # nothing was sent
            if described != "void":
                raise Conflict(f"{subject} came from a source ({source[0]}), whose values engines do not report.")
            return CapturedPort(name=name, flow=port["flow"], described=described, given=({"void": None},))
        return CapturedPort(name=name, flow=port["flow"], described=described, source=source)

    def _is_taken(self, element: ProgramElement, port: str) -> bool:
        """Whether an output is connected. Engines report an arbitrary number of values of an unconnected one."""
        connections = self._design(self._host(element)).get("connections") or ()
        output = ({"treatment": element.label}, port)
        return any((end["output_treatment"], end["output_name"]) == output for end in connections)

    def _parameters(
        self, element: ProgramElement, body: Mapping[str, Any], generics: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        parameters: dict[str, Any] = {}
        design = self._part(element).get("parameters") or {}
        for name, declared in (body.get("parameters") or {}).items():
            subject = f"the parameter {name} of {element.name}"
            if name in element.parameters:
                parameters[name] = _kept(
                    element.parameters[name], _solved(declared["described_type"], generics), subject
                )
            elif name in design:
                parameters[name] = self._valued(design[name], declared, self._host(element), subject)
            elif declared.get("default") is None:
                raise Conflict(f"{subject} is not known: its engine did not report it.")
            else:
                _require_kept(name, declared, subject)
        return parameters

    def _model(self, element: ProgramElement, name: str) -> Mapping[str, Any]:
        """Returns the model that an element has under a name, with the parameters of its instance."""
        host, label, depth = self._host(element), (self._part(element).get("models") or {}).get(name), 0
        subject = f"the model {name} of {element.name}"
        while host is not None and label is not None and depth < _DEEPEST:
            instance = (self._design(host).get("model_instanciations") or {}).get(label)
            if instance:
                return {"name": name, **self._instance(instance, host, subject)}
            # The host has the model from its own host.
            label, host, depth = (self._part(host).get("models") or {}).get(label), self._host(host), depth + 1
        raise Conflict(f"{subject} comes from elsewhere in the program, where it cannot be found.")

    def _instance(self, instance: Mapping[str, Any], host: ProgramElement, subject: str) -> Mapping[str, Any]:
        identifier, given, parameters = instance["identifier"], instance.get("parameters") or {}, {}
        declared = self._bodies.get(text_of(identifier), {}).get("parameters") or {}
        for name, declaration in declared.items():
            if name in given:
                parameters[name] = self._valued(given[name], declaration, host, f"the parameter {name} of {subject}")
            else:
                _require_kept(name, declaration, f"the parameter {name} of {subject}")
        return {"identifier": identifier, "parameters": parameters}

    def _valued(
        self, given: Any, declared: Mapping[str, Any], host: ProgramElement | None, subject: str
    ) -> Mapping[str, Any]:
        """Returns the value of a parameter in the design of `host`. Raises Conflict if it is not known from there."""
        if is_secret(declared["name"]):
            raise Conflict(f"{subject} is not kept: its name marks it as a secret.")
        if isinstance(given, Mapping) and "raw" in given:
            return {"raw": _whole(given["raw"], subject)}
        if isinstance(given, Mapping) and "variable" in given and host is not None:
            known = host.parameters.get(given["variable"])
            if known is not None:
                return _kept(known, declared["described_type"], subject)
            raise Conflict(f"{subject} is not known: its engine did not report the value of {given['variable']}.")
        if isinstance(given, Mapping) and "array" in given:
            items = [self._valued(item, declared, host, subject) for item in given["array"]]
            if all("raw" in item for item in items):
                return {"raw": {"vec": [item["raw"] for item in items]}}
        raise Conflict(f"{subject} was computed by the program ({_origin(given)}), and its value is not kept.")

    def _needed(self, element: ProgramElement, body: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """Returns the element's own definition, those of its models, and all data types."""
        names = {element.treatment}
        pending = [text_of(identifier) for identifier in (body.get("models") or {}).values()]
        pending += [text_of(instance["identifier"]) for instance in self._models_of(element, body)]
        while pending:
            current = pending.pop()
            if current not in names and current in self._bodies:
                names.add(current)
                pending += [text_of(base) for base in self._bodies[current].get("hierarchy") or ()]
                pending += list(_bases(self._bodies[current]))
        return [
            {kind: {**definition, "documentation": ""}}
            for entry in self.dump["collection"]["elements"]
            for kind, definition in entry.items()
            if kind == "data" or text_of(definition["identifier"]) in names
        ]

    def _models_of(self, element: ProgramElement, body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        for name in body.get("models") or ():
            yield self._model(element, name)


def _solved(described: Any, generics: Mapping[str, Any]) -> Any:
    if not isinstance(described, Mapping):
        return described
    ((tag, content),) = described.items()
    if tag == "generic":
        return generics.get(content["name"], described)
    return {tag: _solved(content, generics)} if tag in ("vec", "option") else described


def _kept(parameter: Mapping[str, Any], described: Any, subject: str) -> Mapping[str, Any]:
    if "type" not in parameter:
        raise Conflict(f"{subject} is not kept: its name marks it as a secret.")
    if opaque := _opaque(described):
        raise Conflict(f"{subject} cannot be restored: a {opaque} exists only inside of its engine.")
    value = _whole(parameter["value"], subject)
    if _lacks_number(value, described):
        raise Conflict(f"{subject} cannot be restored: engines write NaN and infinity as nothing.")
    return {"value": value, "type": described}


def _whole(value: Any, subject: str) -> Any:
    if holds_redacted(value):
        raise Conflict(f"{subject} holds a secret, which is not kept.")
    if _is_masked(value):
        raise Conflict(f"{subject} holds {MASK}, which stands where a secret was masked.")
    return value


def _require_kept(name: str, declared: Mapping[str, Any], subject: str) -> None:
    """Raises Conflict if a parameter had its default and that is not kept."""
    if declared.get("default") is not None and is_secret(name):
        raise Conflict(f"{subject} is not kept: its name marks it as a secret.")


def _is_masked(value: Any) -> bool:
    if isinstance(value, str):
        return MASK in value
    if isinstance(value, Mapping):
        return any(map(_is_masked, value.values()))
    return isinstance(value, list) and any(map(_is_masked, value))


def _lacks_number(value: Any, described: Any) -> bool:
    if value is None:
        return described in ("f32", "f64")
    if isinstance(described, Mapping) and "vec" in described and isinstance(value, list):
        return any(_lacks_number(item, described["vec"]) for item in value)
    if isinstance(described, Mapping) and "option" in described:
        return _lacks_number(
            value["some"] if isinstance(value, Mapping) and "some" in value else value, described["option"]
        )
    return False


def _opaque(described: Any) -> str | None:
    """Returns the part of a type whose values cannot leave their engine, if there is one."""
    if not isinstance(described, Mapping):
        return None
    ((tag, content),) = described.items()
    if tag == "data":
        name = text_of(content.get("identifier"))
        return name if name.rpartition("::")[2] in _OPAQUE else None
    return _opaque(content) if tag in ("vec", "option") else None


def _bases(body: Mapping[str, Any]) -> Iterator[str]:
    kind = body.get("implementation_kind")
    if isinstance(kind, Mapping) and isinstance(kind.get("designed"), Mapping):
        for identifier in kind["designed"].get("models", {}).values():
            yield text_of(identifier)


def _origin(given: Any) -> str:
    if isinstance(given, Mapping) and "function" in given:
        return f"by {text_of(given['function'][0])}"
    if isinstance(given, Mapping) and "context" in given:
        return f"from the context {text_of(given['context'][0])}"
    return "in a way that is not known"


def _port_json(port: CapturedPort) -> dict[str, Any]:
    data: dict[str, Any] = {"name": port.name, "flow": port.flow, "type": port.described}
    return data if port.given is None else {**data, "values": list(port.given)}
