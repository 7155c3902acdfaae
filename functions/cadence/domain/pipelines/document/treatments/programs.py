"""Checks treatments that are Mélodium programs: program, entrypoint, parameters and secrets; reads their ports."""

from collections.abc import Iterator, Mapping
from typing import Any

from cadence.domain.melodium.headers import DeclaredPort, ProgramParameter
from cadence.domain.melodium.stored_program import Entrypoint, ProgramFacts
from cadence.domain.pipelines.document.connections.types import (
    DataType,
    FlowType,
    Map,
    Option,
    Scalar,
    TypeSyntaxError,
    Vec,
    parse_data_type,
    parse_flow_type,
)
from cadence.domain.pipelines.document.draft import DraftTreatment, mapping
from cadence.domain.pipelines.document.findings import Code, DocumentProblem, Problems
from cadence.domain.pipelines.document.libraries import Unavailable
from cadence.domain.pipelines.document.pipeline import Port, UsedProgram
from cadence.domain.pipelines.document.syntax.literals import mismatch
from cadence.domain.pipelines.document.syntax.source import UnreadableDocument, decode
from cadence.domain.pipelines.document.syntax.text import guess, read
from cadence.domain.pipelines.document.templates import holds_expressions
from cadence.domain.pipelines.document.wording import suggestion
from cadence.domain.shared.display import shown

Known = Mapping[str, ProgramFacts | Unavailable]
"""Programs by the names that documents use."""

DEFAULT_ENTRYPOINT = "main"
_SECRETS = ("Secret<string>", "Option<Secret<string>>")
_TEXTS = ("string", "Option<string>", *_SECRETS)
_MEANINGLESS = (
    "run", "steps", "use", "shell", "image", "inputs", "outputs", "stdin", "stdout", "services", "volumes", "trigger", "each",
    "with", "source", "reports", "id_token",
)  # fmt: skip


def programs_named(source: bytes | str) -> frozenset[str]:
    """Returns every program that a document names; none for a document that cannot be read."""
    try:
        text = decode(source)
        if "melodium" not in text:
            return frozenset()
        data = mapping(read(text, guess(text)).data)
    except UnreadableDocument:
        return frozenset()
    bodies = [*mapping(data.get("treatments")).values(), *mapping(data.get("definitions")).values()]
    names = (mapping(mapping(body).get("melodium")).get("program") for body in bodies)
    return frozenset(name for name in names if isinstance(name, str))


class ProgramChecks:
    """Checks the programs of a document. If `known` is None, the existing programs are unknown and not checked."""

    def __init__(self, known: Known | None, problems: Problems) -> None:
        self._known, self._problems = known, problems

    def treatment(self, name: str, body: Mapping[str, Any], section: str = "treatments") -> DraftTreatment:
        """Returns the treatment with the ports of its entrypoint; without ports if they cannot be known."""
        treatment = DraftTreatment(name=name, body=body, inputs=None, outputs=None, section=section)
        for key in _MEANINGLESS:
            if key in body:
                message = f"{shown(key)} means nothing beside melodium, whose program is the command."
                self._problems.add(treatment.problem(Code.CONTRADICTION, message, (key,), "Leave it out.", at_key=True))
        settings = mapping(body["melodium"])
        entrypoint = self._entrypoint(treatment, settings)
        if entrypoint is None or entrypoint.header is None:
            return treatment
        treatment.inputs = dict(self._ports(treatment, entrypoint.header.inputs, "input"))
        treatment.outputs = dict(self._ports(treatment, entrypoint.header.outputs, "output"))
        types = {given.name: given for given in entrypoint.header.parameters}
        given = mapping(settings.get("parameters"))
        secrets = mapping(settings.get("secrets"))
        self._problems.add_all(_parameter_problems(treatment, given, types, secrets))
        self._problems.add_all(_secret_problems(treatment, given, types, secrets))
        known = {name: data_type for name, declared in types.items() if (data_type := _type(declared.type)) is not None}
        facts = (self._known or {})[settings["program"]]
        if isinstance(facts, ProgramFacts):
            treatment.program = UsedProgram(
                sha256=facts.sha256,
                entrypoint=entrypoint.command,
                treatment=entrypoint.treatment,
                parameters=known,
                engine=facts.engine,
                secret_types={name: types[name].type for name in secrets if name in types},
            )
        return treatment

    def _entrypoint(self, treatment: DraftTreatment, settings: Mapping[str, Any]) -> Entrypoint | None:
        name, command = settings.get("program"), settings.get("entrypoint", DEFAULT_ENTRYPOINT)
        if self._known is None or not isinstance(name, str) or not isinstance(command, str):
            return None
        keys = ("melodium", "program")
        facts = self._known.get(name)
        if not isinstance(facts, ProgramFacts):
            reason = f": {facts.fault}" if isinstance(facts, Unavailable) else ""
            hint = "Store it first (cadence program create), or name a file beside the document for `cadence run`."
            message = f"The program {shown(name)} cannot be had{reason}."
            self._problems.add(treatment.problem(Code.UNKNOWN_PROGRAM, message, keys, hint))
            return None
        for fault in facts.faults:
            message = f"{fault.file}:{fault.line}:{fault.column} of the program {shown(name)}: {fault.message}."
            self._problems.add(treatment.problem(Code.BAD_PROGRAM, message, keys))
        if command not in facts.entrypoints:
            where = ("melodium", "entrypoint") if "entrypoint" in settings else ("melodium",)
            known = ", ".join(facts.entrypoints) or "none"
            hint = suggestion(command, facts.entrypoints, self._problems) or f"It has: {known}."
            message = f"The program {shown(name)} has no entrypoint {shown(command)}."
            self._problems.add(treatment.problem(Code.UNKNOWN_ENTRYPOINT, message, where, hint))
            return None
        entrypoint = facts.entrypoints[command]
        if entrypoint.unusable is not None:
            message = f"The entrypoint {shown(command)} of {shown(name)} cannot be run: {entrypoint.unusable}."
            self._problems.add(treatment.problem(Code.BAD_PROGRAM, message, keys))
            return None
        return entrypoint

    def _ports(
        self, treatment: DraftTreatment, ports: tuple[DeclaredPort, ...], side: str
    ) -> Iterator[tuple[str, Port | None]]:
        for port in ports:
            flow_type = _flow_type(port.type)
            if flow_type is None:
                message = (
                    f"The {side} {shown(port.name)} of the program is a {port.type}, which no other treatment can have."
                )
                hint = "Ports have core types; leave data types to the inside of the program."
                self._problems.add(treatment.problem(Code.BAD_PROGRAM, message, ("melodium",), hint))
            yield port.name, Port(name=port.name, flow=flow_type.flow, type=flow_type.type) if flow_type else None


def unlike(value: Any, wanted: DataType) -> str | None:
    """Returns the reason why an evaluated value does not have a parameter's type; None if it has."""
    return mismatch(value, wanted)


def _unknown_parameter(
    treatment: DraftTreatment, name: str, known: Mapping[str, ProgramParameter], path: tuple[str, ...]
) -> DocumentProblem:
    message = f"The program has no parameter {shown(name)}."
    hint = suggestion(name, known) or f"It has: {', '.join(known) or 'none'}."
    return treatment.problem(Code.UNKNOWN_PARAMETER, message, (*path, name), hint, at_key=True)


def _secret_problems(
    treatment: DraftTreatment,
    given: Mapping[str, Any],
    known: Mapping[str, ProgramParameter],
    secrets: Mapping[str, Any],
) -> Iterator[DocumentProblem]:
    """Yields a problem for each secret of a parameter that does not exist, is no text, or has a value as well."""
    path = ("melodium", "secrets")
    for name in secrets:
        if name not in known:
            yield _unknown_parameter(treatment, name, known, path)
        elif known[name].type not in _TEXTS:
            message = f"The parameter {shown(name)} is a {known[name].type}, and a secret is text."
            yield treatment.problem(Code.BAD_PARAMETER, message, (*path, name))
        elif name in given:
            message = f"The parameter {shown(name)} has a value as well as a secret."
            yield treatment.problem(Code.CONTRADICTION, message, (*path, name), "Leave one of them out.", at_key=True)


def _parameter_problems(
    treatment: DraftTreatment,
    given: Mapping[str, Any],
    known: Mapping[str, ProgramParameter],
    secrets: Mapping[str, Any],
) -> Iterator[DocumentProblem]:
    path = ("melodium", "parameters")
    for name, value in given.items():
        if name not in known:
            yield _unknown_parameter(treatment, name, known, path)
            continue
        wanted = _type(known[name].type)
        if wanted is None:
            message = f"The parameter {shown(name)} is a {known[name].type}, which cannot be given from outside."
            yield treatment.problem(Code.BAD_PARAMETER, message, (*path, name))
        elif not holds_expressions(value) and (why := mismatch(value, wanted)) is not None:
            yield treatment.problem(Code.BAD_PARAMETER, f"{shown(name)}: {why}.", (*path, name), f"It is a {wanted}.")
    for name, parameter in known.items():
        if name not in given and name not in secrets and parameter.default is None:
            message = f"The program needs the parameter {shown(name)} ({parameter.type})."
            where: tuple[str, ...] = path if given else ("melodium",)
            yield treatment.problem(Code.MISSING_PARAMETER, message, where, f"Add it: parameters: {{{name}: …}}.")


def _flow_type(text: str) -> FlowType | None:
    try:
        flow_type = parse_flow_type(text)
    except TypeSyntaxError:
        return None
    return flow_type if _is_representable(flow_type.type) else None


def _type(text: str) -> DataType | None:
    try:
        data_type = parse_data_type(text)
    except TypeSyntaxError:
        return None
    return data_type if _is_representable(data_type) else None


def _is_representable(of: DataType) -> bool:
    """Whether JSON can represent all values of a type: not nested options, which JSON writes alike, and not maps.

    Maps are no core type of Mélodium.
    """
    match of:
        case Option(item):
            return not isinstance(item, Option) and item is not Scalar.VOID and _is_representable(item)
        case Vec(item):
            return _is_representable(item)
        case Map():
            return False
        case _:
            return True
