"""What can be made of a document that may still be wrong: parts that make sense are read, others are left unknown."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cadence.domain.document.findings import Code, Path, Problem, Problems
from cadence.domain.document.pipeline import BUILTIN_OUTPUTS, Port
from cadence.domain.document.types import GenericType, TypeSyntaxError, parse_flow_type
from cadence.domain.document.wording import shown

Ports = Mapping[str, Port | None]
"""Ports by name; `None` for one that is declared in a way that cannot be read."""

_KEYS_THAT_BRING_PORTS = frozenset({"use", "melodium"})


@dataclass(slots=True)
class DraftTreatment:
    """A treatment as far as it can be read. `inputs` or `outputs` are `None` where they cannot be known."""

    name: str
    body: Mapping[str, Any]
    inputs: Ports | None
    outputs: Ports | None

    @property
    def path(self) -> Path:
        return ("treatments", self.name)


@dataclass(slots=True)
class Draft:
    """A document as far as it can be read."""

    defaults: Mapping[str, Any]
    connections: list[Any]
    treatments: dict[str, DraftTreatment] = field(default_factory=dict)


def read_draft(data: Mapping[str, Any], problems: Problems) -> Draft:
    """Reads what it can; ports whose type makes no sense are added to `problems`."""
    connections = data.get("connections")
    draft = Draft(mapping(data.get("defaults")), connections if isinstance(connections, list) else [])
    for name, body in mapping(data.get("treatments")).items():
        draft.treatments[name] = _read_treatment(name, body, problems)
    return draft


def mapping(value: Any) -> Mapping[str, Any]:
    """The value itself if it is a mapping, else an empty one (the schema has then told what is wrong)."""
    return value if isinstance(value, dict) else {}


def texts(value: Any) -> Iterator[tuple[int, str]]:
    """The texts in a value that should be a list of them, with their indexes."""
    if isinstance(value, list):
        yield from ((index, item) for index, item in enumerate(value) if isinstance(item, str))


def _read_treatment(name: str, body: Any, problems: Problems) -> DraftTreatment:
    if not isinstance(body, dict) or not _KEYS_THAT_BRING_PORTS.isdisjoint(body):
        return DraftTreatment(name, mapping(body), None, None)
    treatment = DraftTreatment(
        name, body, _read_ports(name, body, "inputs", problems), _read_ports(name, body, "outputs", problems)
    )
    problems.add_all(
        Problem(
            Code.RESERVED_PORT,
            f"Every treatment already has the output {shown(port)}.",
            (*treatment.path, "outputs", port),
            "Choose another name.",
            at_key=True,
        )
        for port in BUILTIN_OUTPUTS.keys() & (treatment.outputs or {})
    )
    return treatment


def _read_ports(treatment: str, body: Mapping[str, Any], side: str, problems: Problems) -> Ports | None:
    declared = body.get(side, {})
    if not isinstance(declared, dict):
        return None
    ports: dict[str, Port | None] = {}
    for name, declaration in declared.items():
        ports[name] = None
        path: Path = ("treatments", treatment, side, name)
        text = declaration
        if isinstance(declaration, dict):
            text, path = declaration.get("type"), (*path, "type")
        if not isinstance(text, str) or not text:
            continue
        try:
            ports[name] = _port(name, text)
        except TypeSyntaxError as error:
            problems.add(type_problem(error, path))
    return ports


@lru_cache(maxsize=4096)
def _port(name: str, text: str) -> Port:
    """Ports are alike all over large documents, so each distinct one is made once."""
    flow_type = parse_flow_type(text)
    return Port(name, flow_type.flow, flow_type.type)


def type_problem(error: TypeSyntaxError, path: Path) -> Problem:
    """The problem of a type that cannot be read."""
    code = Code.NOT_SUPPORTED_YET if isinstance(error, GenericType) else Code.BAD_TYPE
    return Problem(code, str(error), path, error.hint)
