"""Reads the declarations of ports: a type, or a mapping with a type, a path, and an input's value or default."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any

from cadence.domain.pipelines.document.connections.types import (
    DataType,
    Parameterized,
    Scalar,
    TypeSyntaxError,
    parameters_of,
    parse_flow_type,
    substituted,
)
from cadence.domain.pipelines.document.findings import Code, DocumentProblem, Path, Problems
from cadence.domain.pipelines.document.pipeline import ANYWHERE, Literal, Port
from cadence.domain.pipelines.document.syntax.literals import unwritable
from cadence.domain.shared.display import shown

Ports = Mapping[str, Port | None]
"""Ports by name; `None` for one whose declaration cannot be read."""

_GLOB = re.compile(r"[*?\[]")


def read_ports(declared: Any, path: Path, generics: Collection[str], problems: Problems) -> Ports | None:
    """Returns the ports declared at `path`; adds invalid types and paths, and contradictions, to `problems`."""
    if not isinstance(declared, dict):
        return None
    ports: dict[str, Port | None] = {}
    for name, declaration in declared.items():
        ports[name] = None
        at, text = (*path, name), declaration
        if isinstance(declaration, dict):
            at, text = (*at, "type"), declaration.get("type")
        if not isinstance(text, str) or not text:
            continue
        try:
            port = _plain_port(name, text) if not generics else _port(name, text, generics)
        except TypeSyntaxError as error:
            problems.add(type_problem(error, at))
            continue
        ports[name] = port if text is declaration else _with_settings(port, declaration, (*path, name), problems)
    _check_paths_differ(ports, path, problems)
    return ports


def type_problem(error: TypeSyntaxError, path: Path) -> DocumentProblem:
    """Returns the problem of a type that cannot be read."""
    return DocumentProblem(code=Code.BAD_TYPE, message=str(error), path=path, hint=error.hint)


def retyped(ports: Ports | None, meaning: Callable[[Parameterized], DataType]) -> Ports | None:
    """Returns the ports with each type parameter replaced by its meaning."""
    if ports is None:
        return None
    result: dict[str, Port | None] = {}
    for name, port in ports.items():
        data_type = substituted(port.type, meaning) if port else None
        unchanged = port is None or data_type is None or data_type is port.type
        result[name] = port if unchanged else _with_type(port, data_type)  # type: ignore[arg-type]
    return result


def literal_faults(port: Port) -> Iterator[tuple[str, str]]:
    """Yields the keys of a port's literals that do not have its type, and the message."""
    for key, literal in (("value", port.literal), ("default", port.default)):
        why = None if literal is None else unwritable(literal.value, port.flow_type)
        if why is not None:
            yield key, f"The {key} of input {shown(port.name)} does not fit: {why}."


def path_fault(text: str) -> str | None:
    """Returns the reason, in words, why a path cannot be used in the working directory; None if it can."""
    if text.startswith(("/", "~")):
        return "starts outside of the working directory"
    if ".." in text.split("/"):
        return "leaves the working directory"
    return None


@lru_cache(maxsize=4096)
def _plain_port(name: str, text: str) -> Port:
    """Returns a port without settings, which is cached: large documents repeat the same ports."""
    return _port(name, text, ())


def _port(name: str, text: str, generics: Collection[str]) -> Port:
    flow_type = parse_flow_type(text, generics)
    return Port(name=name, flow=flow_type.flow, type=flow_type.type)


def _with_type(port: Port, data_type: DataType) -> Port:
    return Port(
        name=port.name,
        flow=port.flow,
        type=data_type,
        path=port.path,
        literal=port.literal,
        default=port.default,
        optional=port.optional,
        leaves=port.leaves,
    )


def _with_settings(port: Port, settings: Mapping[str, Any], path: Path, problems: Problems) -> Port:
    place = settings.get("path")
    optional = settings.get("optional") is True
    literal, default = (Literal(settings[key]) if key in settings else None for key in ("value", "default"))
    if isinstance(place, str) and place:
        _check_path(port, place, path, problems)
    for one, other in (("value", "default"), ("value", "optional"), ("default", "optional")):
        if one in settings and settings.get(other) not in (None, False):
            message = f"The input {shown(port.name)} has both {one} and {other}."
            hint = f"Keep one of them: an input with {one} always has something."
            problems.add(
                DocumentProblem(code=Code.CONTRADICTION, message=message, path=(*path, other), hint=hint, at_key=True)
            )
            break
    leaves = settings.get("residency") == ANYWHERE
    path_text = place if isinstance(place, str) else None
    return Port(
        name=port.name,
        flow=port.flow,
        type=port.type,
        path=path_text,
        literal=literal,
        default=default,
        optional=optional,
        leaves=leaves,
    )


def _check_path(port: Port, place: str, path: Path, problems: Problems) -> None:
    fault = path_fault(place)
    hint = "Write it relative to the working directory, without .."
    if fault is None and port.type is Scalar.VOID:
        fault, hint = f"belongs to a {port.flow_type}, which has no content", "Leave the path out."
    archive = place.endswith("/") or (path[-2] == "outputs" and _GLOB.search(place) is not None)
    if fault is None and archive and port.type is not Scalar.BYTE and parameters_of(port.type) is None:
        fault = f"stands for a tar archive, but {shown(port.name)} is a {port.flow_type}"
        hint = "Make the port a Stream<byte> or Block<byte>, or name one file."
    if fault is not None:
        problems.add(
            DocumentProblem(
                code=Code.BAD_PATH, message=f"The path {shown(place)} {fault}.", path=(*path, "path"), hint=hint
            )
        )


def _check_paths_differ(ports: Ports, path: Path, problems: Problems) -> None:
    taken: dict[str, str] = {}
    for name, port in ports.items():
        if port is None or port.path is None or path[-1] != "inputs":
            continue
        place = port.path.removeprefix("./").rstrip("/")
        if taken.setdefault(place, name) != name:
            message = f"The inputs {shown(taken[place])} and {shown(name)} are restored at the same path."
            problems.add(
                DocumentProblem(
                    code=Code.BAD_PATH,
                    message=message,
                    path=(*path, name, "path"),
                    hint="Choose another path for one of them.",
                )
            )
