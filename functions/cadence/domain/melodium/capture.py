"""What is kept of a treatment that an engine has run, as far as it takes that to run it once more: or why it cannot be.

Everything but its inputs' values, which are read where they are stored. Values are written as they are kept, with their types
as programs describe them (`{"vec": "u64"}`), or as engines write them (`{"raw": {"u64": 1}}`).
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
    """`described` has nothing generic in it. `source` is what an input is read from; `given` what it had from the engine itself."""

    name: str
    flow: str
    described: Any
    source: PortName | None = None
    given: Sequence[Any] | None = None

    @property
    def type(self) -> str:
        return type_text(self.described, {})


@dataclass(frozen=True, kw_only=True)
class EngineCapture:
    """`elements` are those of the program's dump that it takes to launch the treatment."""

    label: str
    identifier: Mapping[str, Any]
    generics: Mapping[str, Any]
    parameters: Mapping[str, Any]
    models: Sequence[Mapping[str, Any]]
    inputs: Sequence[CapturedPort]
    outputs: Sequence[CapturedPort]
    elements: Sequence[Mapping[str, Any]]

    def json(self) -> dict[str, Any]:
        """As an agent reads it."""
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
    """Of one process: its model as it was last stored, and its program's dump, both without what is secret."""

    model: ProgramModel
    dump: Mapping[str, Any]
    _bodies: dict[str, dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        elements = (self.dump.get("collection") or {}).get("elements") or ()
        self._bodies = {text_of(body["identifier"]): dict(body) for each in elements for body in each.values()}

    def __call__(self, name: str, sources: Mapping[str, PortName]) -> EngineCapture:
        """`sources` are the outputs that its inputs were fed from. Raises Conflict with the reason why it cannot be run again."""
        if name == f"{ROOT}/{SELF}":
            raise Conflict(f"{name} stands for whoever gave the program its inputs: there is nothing to run.")
        element = self.model.elements.get(name)
        if element is None:
            raise Conflict(f"{name} cannot be replayed: what its engine told of it is not kept.")
        body = self._bodies.get(element.treatment)
        if body is None:
            raise Conflict(
                f"{name} cannot be replayed: {element.treatment} is not in the program that its engine reported."
            )
        if body.get("implementation_kind") != "compiled":
            raise Conflict(f"{name} is made of others, which can be replayed each: {self._parts(element)}.")
        if self._begins_tracks(body):
            raise Conflict(f"{name} began its track: what it tells comes from outside of the program.")
        if body.get("contexts"):
            needed = ", ".join(sorted(body["contexts"]))
            raise Conflict(f"{name} cannot be replayed: it needs the context {needed} of what began its track.")
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
        """Whether it is a source of one of its models."""
        models = (self._bodies.get(text_of(identifier), {}) for identifier in (body.get("models") or {}).values())
        return any(body["identifier"]["name"] in (model.get("sources") or ()) for model in models)

    def _generics(self, element: ProgramElement, depth: int = 0) -> Mapping[str, Any]:
        """The types that the names in its definition stand for."""
        host = self.model.elements.get(element.host or "")
        part = self._part(element) if host else {}
        if not part.get("generics") or host is None or depth > _DEEPEST:
            return {}
        outer = self._generics(host, depth + 1)
        return {name: _solved(described, outer) for name, described in part["generics"].items()}

    def _part(self, element: ProgramElement) -> Mapping[str, Any]:
        """How its host instantiates it."""
        found: Mapping[str, Any] = self._design(self._host(element)).get("treatments", {}).get(element.label) or {}
        return found

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
        name, what = port["name"], f"the input {port['name']} of {element.name}"
        if opaque := _opaque(described):
            raise Conflict(f"{what} cannot be restored: a {opaque} exists only inside of its engine.")
        if source is None:
            return CapturedPort(name=name, flow=port["flow"], described=described)
        producer = self.model.elements.get(source[0])
        if producer and source not in self.model.outputs:
            if not self._begins_tracks(self._bodies.get(producer.treatment, {})):
                return CapturedPort(name=name, flow=port["flow"], described=described)  # nothing was sent
            if described != "void":
                raise Conflict(f"{what} came from a source ({source[0]}), whose values engines do not tell.")
            return CapturedPort(name=name, flow=port["flow"], described=described, given=({"void": None},))
        return CapturedPort(name=name, flow=port["flow"], described=described, source=source)

    def _is_taken(self, element: ProgramElement, port: str) -> bool:
        """Of an output that nobody reads an engine takes as much as it happens to, which says nothing."""
        ends = self._design(self._host(element)).get("connections") or ()
        sent = ({"treatment": element.label}, port)
        return any((end["output_treatment"], end["output_name"]) == sent for end in ends)

    def _parameters(
        self, element: ProgramElement, body: Mapping[str, Any], generics: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        found: dict[str, Any] = {}
        design = self._part(element).get("parameters") or {}
        for name, declared in (body.get("parameters") or {}).items():
            what = f"the parameter {name} of {element.name}"
            if name in element.parameters:
                found[name] = _kept(element.parameters[name], _solved(declared["described_type"], generics), what)
            elif name in design:
                found[name] = self._valued(design[name], declared, self._host(element), what)
            elif declared.get("default") is None:
                raise Conflict(f"{what} is not known: its engine did not tell it.")
            else:
                _require_told(name, declared, what)
        return found

    def _model(self, element: ProgramElement, name: str) -> Mapping[str, Any]:
        """The model that it is given as `name`, with the parameters that it was made with."""
        host, label, depth = self._host(element), (self._part(element).get("models") or {}).get(name), 0
        what = f"the model {name} of {element.name}"
        while host is not None and label is not None and depth < _DEEPEST:
            made = (self._design(host).get("model_instanciations") or {}).get(label)
            if made:
                return {"name": name, **self._instance(made, host, what)}
            # It was handed on from further outside.
            label, host, depth = (self._part(host).get("models") or {}).get(label), self._host(host), depth + 1
        raise Conflict(f"{what} comes from elsewhere in the program, where it cannot be found.")

    def _instance(self, made: Mapping[str, Any], host: ProgramElement, what: str) -> Mapping[str, Any]:
        identifier, given, parameters = made["identifier"], made.get("parameters") or {}, {}
        declared = self._bodies.get(text_of(identifier), {}).get("parameters") or {}
        for name, said in declared.items():
            if name in given:
                parameters[name] = self._valued(given[name], said, host, f"the parameter {name} of {what}")
            else:
                _require_told(name, said, f"the parameter {name} of {what}")
        return {"identifier": identifier, "parameters": parameters}

    def _valued(
        self, given: Any, declared: Mapping[str, Any], host: ProgramElement | None, what: str
    ) -> Mapping[str, Any]:
        """What the design of `host` gives as a parameter, if that can be told from it."""
        if is_secret(declared["name"]):
            raise Conflict(f"{what} is not kept: its name tells of a secret.")
        if isinstance(given, Mapping) and "raw" in given:
            return {"raw": _whole(given["raw"], what)}
        if isinstance(given, Mapping) and "variable" in given and host is not None:
            known = host.parameters.get(given["variable"])
            if known is not None:
                return _kept(known, declared["described_type"], what)
            raise Conflict(f"{what} is not known: its engine did not tell what {given['variable']} was.")
        if isinstance(given, Mapping) and "array" in given:
            items = [self._valued(item, declared, host, what) for item in given["array"]]
            if all("raw" in item for item in items):
                return {"raw": {"vec": [item["raw"] for item in items]}}
        raise Conflict(f"{what} was computed by the program ({_words(given)}), and its value is not kept.")

    def _needed(self, element: ProgramElement, body: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """Its own definition, those of its models, and all types of data."""
        wanted = {element.treatment}
        waiting = [text_of(identifier) for identifier in (body.get("models") or {}).values()]
        waiting += [text_of(made["identifier"]) for made in self._made(element, body)]
        while waiting:
            name = waiting.pop()
            if name not in wanted and name in self._bodies:
                wanted.add(name)
                waiting += [text_of(base) for base in self._bodies[name].get("hierarchy") or ()]
                waiting += list(_bases(self._bodies[name]))
        return [
            {kind: {**each, "documentation": ""}}
            for one in self.dump["collection"]["elements"]
            for kind, each in one.items()
            if kind == "data" or text_of(each["identifier"]) in wanted
        ]

    def _made(self, element: ProgramElement, body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        for name in body.get("models") or ():
            yield self._model(element, name)


def _solved(described: Any, generics: Mapping[str, Any]) -> Any:
    if not isinstance(described, Mapping):
        return described
    ((tag, content),) = described.items()
    if tag == "generic":
        return generics.get(content["name"], described)
    return {tag: _solved(content, generics)} if tag in ("vec", "option") else described


def _kept(parameter: Mapping[str, Any], described: Any, what: str) -> Mapping[str, Any]:
    if "type" not in parameter:
        raise Conflict(f"{what} is not kept: its name tells of a secret.")
    if opaque := _opaque(described):
        raise Conflict(f"{what} cannot be restored: a {opaque} exists only inside of its engine.")
    value = _whole(parameter["value"], what)
    if _lacks_number(value, described):
        raise Conflict(f"{what} cannot be restored: engines write NaN and infinity as nothing.")
    return {"value": value, "type": described}


def _whole(value: Any, what: str) -> Any:
    if holds_redacted(value):
        raise Conflict(f"{what} holds a secret, which is not kept.")
    if _is_masked(value):
        raise Conflict(f"{what} holds {MASK}, which stands where a secret was masked.")
    return value


def _require_told(name: str, declared: Mapping[str, Any], what: str) -> None:
    """That its default is known, since that is what it had."""
    if declared.get("default") is not None and is_secret(name):
        raise Conflict(f"{what} is not kept: its name tells of a secret.")


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
    """The type in it whose values cannot leave their engine, if there is one."""
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


def _words(given: Any) -> str:
    if isinstance(given, Mapping) and "function" in given:
        return f"by {text_of(given['function'][0])}"
    if isinstance(given, Mapping) and "context" in given:
        return f"from the context {text_of(given['context'][0])}"
    return "in a way that is not known"


def _port_json(port: CapturedPort) -> dict[str, Any]:
    said: dict[str, Any] = {"name": port.name, "flow": port.flow, "type": port.described}
    return said if port.given is None else {**said, "values": list(port.given)}
