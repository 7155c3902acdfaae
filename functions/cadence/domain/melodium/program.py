"""Reads an engine's dump of a Mélodium program: its treatments, their parts, and their ports with types."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cadence.domain.melodium.identifier import text_of
from cadence.domain.melodium.rawvalue import UNKNOWN, type_text


@dataclass(frozen=True)
class ProgramPort:
    """A port of a treatment; `described` is its type in the dump's form."""

    name: str
    flow: str
    described: Any


@dataclass(frozen=True)
class Wire:
    """A connection inside a designed treatment; None as treatment is the designed treatment itself."""

    source: str | None
    output: str
    target: str | None
    input: str


@dataclass(frozen=True)
class ProgramPart:
    """A part of a designed treatment.

    `generics` are types and `parameters` values in the dump's form (`{"raw": …}`, `{"variable": name}`, …).
    """

    treatment: str
    generics: Mapping[str, Any] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Definition:
    """The definition of a treatment; `parts` and `wires` are empty for one that is compiled into the engine."""

    name: str
    designed: bool
    inputs: Mapping[str, ProgramPort]
    outputs: Mapping[str, ProgramPort]
    parts: Mapping[str, ProgramPart]
    wires: tuple[Wire, ...]

    def feeding(self, target: str | None, port: str) -> Wire | None:
        """Returns the connection that feeds an input of a part, or (None) an output of the treatment itself."""
        return next((wire for wire in self.wires if (wire.target, wire.input) == (target, port)), None)


NOTHING = Definition(name="", designed=False, inputs={}, outputs={}, parts={}, wires=())


@dataclass(frozen=True)
class Program:
    """A program: the treatment that it starts with, and all definitions by name."""

    entrypoint: str
    treatments: Mapping[str, Definition]

    def of(self, treatment: str) -> Definition:
        """Returns the definition of a treatment; `NOTHING` if the program has none."""
        return self.treatments.get(treatment, NOTHING)

    def labels_of(self, host: str, treatment: str) -> tuple[str, ...]:
        """Returns the labels of those parts of `host` that are `treatment`, in their order."""
        return tuple(label for label, part in self.of(host).parts.items() if part.treatment == treatment)


NO_PROGRAM = Program("", {})


def read_program(dump: Mapping[str, Any]) -> Program:
    """Returns the program of a dump; parts that cannot be read are left out."""
    definitions: dict[str, Definition] = {}
    collection = dump.get("collection")
    elements = collection.get("elements", ()) if isinstance(collection, Mapping) else ()
    for element in elements:
        body = element.get("treatment") if isinstance(element, Mapping) else None
        if isinstance(body, Mapping):
            definition = _definition(body)
            definitions[definition.name] = definition
    return Program(text_of(dump.get("entrypoint")), definitions)


def types_of(ports: Mapping[str, ProgramPort], generics: Mapping[str, str]) -> Mapping[str, str]:
    """Returns the types of ports as texts, with generics replaced."""
    return {name: type_text(port.described, generics) for name, port in ports.items()}


def generics_of(part: ProgramPart | None, outer: Mapping[str, str]) -> Mapping[str, str]:
    """Returns the types of a part's generics, given those of its host (`outer`)."""
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
        str(label): ProgramPart(
            text_of(body.get("identifier")), body.get("generics") or {}, body.get("models") or {}, _parameters(body)
        )
        for label, body in treatments.items()
        if isinstance(body, Mapping)
    }


def _parameters(body: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    given = body.get("parameters")
    if not isinstance(given, Mapping):
        return {}
    return {str(name): value for name, value in given.items() if isinstance(value, Mapping)}


def _wires(design: Mapping[str, Any]) -> Iterator[Wire]:
    for body in design.get("connections") or ():
        if isinstance(body, Mapping):
            source, target = _end(body.get("output_treatment")), _end(body.get("input_treatment"))
            yield Wire(source, str(body.get("output_name")), target, str(body.get("input_name")))


def _end(body: Any) -> str | None:
    return str(body["treatment"]) if isinstance(body, Mapping) and "treatment" in body else None
