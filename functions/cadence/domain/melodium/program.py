"""A Mélodium program as its engine dumps it: which treatments there are, of what they are made, and what their ports take."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cadence.domain.melodium.identifier import text_of
from cadence.domain.melodium.rawvalue import UNKNOWN, type_text


@dataclass(frozen=True)
class ProgramPort:
    name: str
    flow: str
    described: Any


@dataclass(frozen=True)
class Wire:
    """A connection inside of a designed treatment; None is the treatment's own port."""

    source: str | None
    output: str
    target: str | None
    input: str


@dataclass(frozen=True)
class ProgramPart:
    """A treatment that a designed one is made of. `generics` are types as programs describe them."""

    treatment: str
    generics: Mapping[str, Any] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A treatment; `parts` and `wires` are empty for one that the engine has compiled in."""

    name: str
    designed: bool
    inputs: Mapping[str, ProgramPort]
    outputs: Mapping[str, ProgramPort]
    parts: Mapping[str, ProgramPart]
    wires: tuple[Wire, ...]

    def feeding(self, target: str | None, port: str) -> Wire | None:
        return next((wire for wire in self.wires if (wire.target, wire.input) == (target, port)), None)


NOTHING = Definition(name="", designed=False, inputs={}, outputs={}, parts={}, wires=())


@dataclass(frozen=True)
class Program:
    entrypoint: str
    treatments: Mapping[str, Definition]

    def of(self, treatment: str) -> Definition:
        return self.treatments.get(treatment, NOTHING)

    def labels_of(self, host: str, treatment: str) -> tuple[str, ...]:
        """What the parts of `host` that are `treatment` are called, in their order."""
        return tuple(label for label, part in self.of(host).parts.items() if part.treatment == treatment)


NO_PROGRAM = Program("", {})


def read_program(dump: Mapping[str, Any]) -> Program:
    """Of what can be understood of a dump; the rest is left out."""
    found: dict[str, Definition] = {}
    collection = dump.get("collection")
    elements = collection.get("elements", ()) if isinstance(collection, Mapping) else ()
    for element in elements:
        body = element.get("treatment") if isinstance(element, Mapping) else None
        if isinstance(body, Mapping):
            definition = _definition(body)
            found[definition.name] = definition
    return Program(text_of(dump.get("entrypoint")), found)


def types_of(ports: Mapping[str, ProgramPort], generics: Mapping[str, str]) -> Mapping[str, str]:
    return {name: type_text(port.described, generics) for name, port in ports.items()}


def generics_of(part: ProgramPart | None, outer: Mapping[str, str]) -> Mapping[str, str]:
    """The types that a part's generics stand for, where its host's own are `outer`."""
    if part is None:
        return {}
    solved = {name: type_text(described, outer) for name, described in part.generics.items()}
    return {name: type_ for name, type_ in solved.items() if type_ != UNKNOWN}


def _definition(body: Mapping[str, Any]) -> Definition:
    kind = body.get("implementation_kind")
    design = kind.get("designed") if isinstance(kind, Mapping) else None
    parts, wires = (_parts(design), tuple(_wires(design))) if isinstance(design, Mapping) else ({}, ())
    return Definition(
        name=text_of(body.get("identifier")),
        designed=isinstance(kind, Mapping),
        inputs=_ports(body.get("inputs")),
        outputs=_ports(body.get("outputs")),
        parts=parts,
        wires=wires,
    )


def _ports(body: Any) -> Mapping[str, ProgramPort]:
    if not isinstance(body, Mapping):
        return {}
    return {
        str(name): ProgramPort(str(name), str(port.get("flow", "stream")), port.get("described_type"))
        for name, port in body.items()
        if isinstance(port, Mapping)
    }


def _parts(design: Mapping[str, Any]) -> Mapping[str, ProgramPart]:
    treatments = design.get("treatments")
    if not isinstance(treatments, Mapping):
        return {}
    return {
        str(label): ProgramPart(text_of(body.get("identifier")), body.get("generics") or {}, body.get("models") or {})
        for label, body in treatments.items()
        if isinstance(body, Mapping)
    }


def _wires(design: Mapping[str, Any]) -> Iterator[Wire]:
    for body in design.get("connections") or ():
        if isinstance(body, Mapping):
            source, target = _end(body.get("output_treatment")), _end(body.get("input_treatment"))
            yield Wire(source, str(body.get("output_name")), target, str(body.get("input_name")))


def _end(body: Any) -> str | None:
    return str(body["treatment"]) if isinstance(body, Mapping) and "treatment" in body else None
