"""Resolves definitions: reusable bodies, in this document or in libraries, which may use other definitions."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from cadence.domain.pipelines.document.connections.ports import Ports, read_ports, retyped, type_problem
from cadence.domain.pipelines.document.connections.types import (
    DataType,
    Parameterized,
    TypeSyntaxError,
    parse_data_type,
)
from cadence.domain.pipelines.document.draft import DraftTreatment, mapping, texts
from cadence.domain.pipelines.document.findings import Code, DocumentProblem, EnoughProblems, Path, Problems, Severity
from cadence.domain.pipelines.document.libraries import (
    MOST_LIBRARIES_DEEP,
    MOST_TAKEN,
    Libraries,
    Library,
    Reference,
    placed,
    reference,
)
from cadence.domain.pipelines.document.wording import suggestion
from cadence.domain.shared.display import shown

_MERGED = ("env", "secrets", "matrix")
_OTHER_WORK = {"run": "steps", "steps": "run"}
"""What a body of its own replaces in the definition that it uses, besides the same key."""
_OF_LIBRARY = "library"
"""Stands for `definitions` in paths of libraries, which are not those of the document."""
_NOT_INHERITED = frozenset({"use", "with", "generics"})


class Definitions:
    """The definitions of one document; each is read once.

    `chain` are the libraries between it and the user's document, its own last.
    """

    def __init__(
        self,
        bodies: Mapping[str, Any],
        libraries: Libraries,
        problems: Problems,
        section: str = "definitions",
        chain: tuple[Reference, ...] = (),
    ) -> None:
        self._bodies = bodies
        self._libraries = libraries
        self._problems = problems
        self._section = section
        self._chain = chain
        self._read: dict[str, DraftTreatment | None] = {}
        self._remote: dict[Reference, Definitions | None] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._bodies

    def __iter__(self) -> Iterator[str]:
        return iter(self._bodies)

    def all(self) -> dict[str, DraftTreatment]:
        """Returns all definitions that can be read, used or not."""
        definitions = {name: self.named(name) for name in self._bodies}
        return {name: definition for name, definition in definitions.items() if definition is not None}

    def used(self, use: Any, path: Path) -> DraftTreatment | None:
        """Returns the definition that a `use` at `path` refers to.

        `None` if there is none; a problem is then added, unless the shape is wrong. Raises EnoughProblems if
        definitions that use each other, or are used very often, make the document huge.
        """
        definition = self._resolved(use, path)
        if definition is not None and not self._libraries.may_take(_size(definition)):
            message = (
                f"With this, more than {MOST_TAKEN:,} variables, secrets, axes and generic ports come from definitions."
            )
            self._problems.add_one(Code.TOO_COMPLEX, message, path, "Split the pipeline, or use smaller definitions.")
            raise EnoughProblems
        return definition

    def _resolved(self, use: Any, path: Path) -> DraftTreatment | None:
        if isinstance(use, str):
            if use in self._bodies:
                return self.named(use)
            message = f"There is no definition {shown(use)}."
            hint = suggestion(use, self._bodies, self._problems)
            self._problems.add_one(Code.UNKNOWN_DEFINITION, message, path, hint or "Write it under `definitions`.")
            return None
        name = mapping(use).get("definition")
        if not isinstance(name, str):
            return None
        within = self._chain[-1] if self._chain else self._libraries.document
        requested = reference(use, path, self._problems, within)
        library = self._library(requested, path) if requested is not None else None
        if library is None:
            return None
        if name not in library:
            message = f"{requested} has no definition {shown(name)}."
            self._problems.add_one(Code.UNKNOWN_DEFINITION, message, (*path, "definition"), suggestion(name, library))
            return None
        return library.named(name)

    def named(self, name: str) -> DraftTreatment | None:
        """Returns a definition of this document; first reads the chain of definitions that it uses, however long."""
        chain: list[str] = []
        while name not in self._read:
            if name in chain:
                self._refuse_circle(chain[chain.index(name) :])
                break
            chain.append(name)
            base = mapping(self._bodies[name]).get("use")
            if not isinstance(base, str) or base not in self._bodies:
                break
            name = base
        for waiting in reversed(chain):
            if waiting not in self._read:
                self._read[waiting] = self._definition(waiting)
        return self._read[chain[0] if chain else name]

    def _definition(self, name: str) -> DraftTreatment | None:
        body = self._bodies[name]
        if not isinstance(body, dict):
            return None
        if "use" not in body:
            return inherited(
                name, self._section, body, DraftTreatment(name=name, body={}, inputs={}, outputs={}), self._problems
            )
        return inherited(
            name, self._section, body, self.used(body["use"], (self._section, name, "use")), self._problems
        )

    def _refuse_circle(self, names: list[str]) -> None:
        self._read.update(dict.fromkeys(names))
        circle = [*names, names[0]] if len(names) <= 10 else [*names[:10], "…", names[0]]
        message = f"These definitions use each other without end: {' → '.join(circle)}."
        path = (self._section, names[-1], "use")
        self._problems.add(
            DocumentProblem(code=Code.RECURSIVE_DEFINITION, message=message, path=path, hint="Write one of them out.")
        )

    def _library(self, requested: Reference, path: Path) -> "Definitions | None":
        if requested not in self._remote:
            self._remote[requested] = self._opened(requested, path)
        return self._remote[requested]

    def _opened(self, requested: Reference, path: Path) -> "Definitions | None":
        if requested in self._chain or requested == self._libraries.document:
            self._refuse_circle_of_libraries(requested, path)
            return None
        if len(self._chain) >= MOST_LIBRARIES_DEEP:
            message = f"{requested} is more than {MOST_LIBRARIES_DEEP} libraries away."
            hint = "Use the definition from where it is written."
            self._problems.add(DocumentProblem(code=Code.UNREACHABLE_DEFINITION, message=message, path=path, hint=hint))
            return None
        library = self._libraries.get(requested)
        if library is not None and library.problems:
            if not self._libraries.is_reported(requested):
                self._problems.add_all(library.problems)
            return None
        if library is None or library.definitions is None:
            reason = library.fault if library else "it was not looked up"
            code = library.code if library else Code.UNREACHABLE_DEFINITION
            self._problems.add(DocumentProblem(code=code, message=f"{requested} cannot be used: {reason}.", path=path))
            return None
        problems = Problems()
        chain = (*self._chain, requested)
        definitions = Definitions(library.definitions, self._libraries, problems, _OF_LIBRARY, chain)
        with suppress(EnoughProblems):
            definitions.all()
        if requested.is_own:
            return self._own(definitions, requested, library, problems)
        problem = next(iter(problems), None)
        if problem is not None and problem.code in (Code.UNREACHABLE_DEFINITION, Code.BAD_LIBRARY):
            self._problems.add_one(problem.code, problem.message, path, problem.hint)
            return None
        if problem is not None:
            self._problems.add(
                DocumentProblem(
                    code=Code.BAD_LIBRARY, message=f"{requested} has mistakes of its own: {problem.message}", path=path
                )
            )
            return None
        return definitions

    def _own(
        self, definitions: "Definitions", requested: Reference, library: Library, problems: Problems
    ) -> "Definitions | None":
        """Reports the mistakes of a file of the same repository where they are; returns it if there is no error."""
        file = requested.path or ""
        if not self._libraries.is_reported(requested):
            self._problems.add_all(placed(_of_file(problem), file, library.places) for problem in problems)
        if any(problem.severity is Severity.ERROR for problem in problems):
            return None
        for definition in definitions.all().values():
            at_name = DocumentProblem(code=Code.BAD_LIBRARY, message="", path=definition.path, at_key=True)
            definition.written_at = placed(_of_file(at_name), file, library.places).place
        return definitions

    def _refuse_circle_of_libraries(self, requested: Reference, path: Path) -> None:
        known = [library for library in (self._libraries.document, *self._chain) if library is not None]
        circle = [*known[known.index(requested) :], requested]
        names = " → ".join((library.path if library.is_own else library.name) or "" for library in circle)
        message = f"These documents use each other without end: {names}."
        hint = "Move what they have in common into a file that uses none of them."
        self._problems.add(DocumentProblem(code=Code.RECURSIVE_DEFINITION, message=message, path=path, hint=hint))


def _of_file(problem: DocumentProblem) -> DocumentProblem:
    """Returns a problem of a library with its path in the library's own text."""
    if problem.path[:1] == (_OF_LIBRARY,):
        return replace(problem, path=("definitions", *problem.path[1:]))
    return problem


def _size(definition: DraftTreatment) -> int:
    """Returns the number of members that each use of a definition copies."""
    members = sum(len(mapping(definition.body.get(key))) for key in _MERGED)
    return members + (len(definition.inputs or ()) + len(definition.outputs or ()) if definition.generics else 0)


def inherited(
    name: str, section: str, body: Mapping[str, Any], base: DraftTreatment | None, problems: Problems
) -> DraftTreatment:
    """Returns a body merged with `base`, the definition that it uses; its own keys take precedence."""
    if base is None:
        return DraftTreatment(name=name, body=body, inputs=None, outputs=None, section=section)
    own_generics = tuple(generic for _, generic in texts(body.get("generics")))
    generics = (*own_generics, *(generic for generic in base.generics if generic not in own_generics))
    type_arguments = _type_arguments(body, base, (section, name), own_generics, problems) if "with" in body else {}

    def meaning(parameter: Parameterized) -> DataType:
        return type_arguments.get(parameter.name, parameter)

    def of_own(parameter: Parameterized) -> DataType:
        return parameter if parameter.name in own_generics else meaning(parameter)

    def ports(side: str, given: Ports | None) -> Ports | None:
        if side not in body:
            return retyped(given, meaning) if type_arguments else given
        return retyped(read_ports(body[side], (section, name, side), generics, problems), of_own)

    replaced = {_OTHER_WORK[key] for key in body.keys() & _OTHER_WORK.keys()}
    taken = {key: value for key, value in base.body.items() if key not in _NOT_INHERITED | replaced}
    merged = {**taken, **body}
    origins: dict[Path, Path] = {}
    for key in base.body.keys() - body.keys():
        origins[key,] = base.at(key)[:-1]
    for key in _MERGED:
        base_members, own_members = base.body.get(key), body.get(key)
        if isinstance(base_members, dict):
            origins.update(
                {
                    (key, member): base.at(key, member)[:-2]
                    for member in base_members
                    if member not in mapping(own_members)
                }
            )
            if isinstance(own_members, dict):
                merged[key] = {**base_members, **own_members}
    return DraftTreatment(
        name=name,
        body=merged,
        inputs=ports("inputs", base.inputs),
        outputs=ports("outputs", base.outputs),
        section=section,
        generics=tuple(generic for generic in generics if generic in own_generics or generic not in type_arguments),
        meant=type_arguments,
        origins=origins,
        definition=base.words if "use" in body else None,
    )


def _type_arguments(
    body: Mapping[str, Any], base: DraftTreatment, path: Path, own: tuple[str, ...], problems: Problems
) -> dict[str, DataType]:
    """Returns the types that `with` sets for the type parameters of the used definition."""
    arguments: dict[str, DataType] = {}
    for generic, text in mapping(body["with"]).items():
        at = (*path, "with", generic)
        if generic not in base.generics:
            message = f"The {base.words} has no type parameter {shown(generic)}."
            problems.add(
                DocumentProblem(
                    code=Code.UNKNOWN_TYPE_PARAMETER,
                    message=message,
                    path=at,
                    hint=suggestion(generic, base.generics),
                    at_key=True,
                )
            )
        elif isinstance(text, str) and text:
            try:
                arguments[generic] = parse_data_type(text, own)
            except TypeSyntaxError as error:
                problems.add(type_problem(error, at))
    return arguments
