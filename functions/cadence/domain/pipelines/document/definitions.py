"""Definitions: reusable bodies, with those they use themselves, in this document or in libraries."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from cadence.domain.pipelines.document.connections.ports import Ports, read_ports, retyped, type_problem
from cadence.domain.pipelines.document.connections.types import (
    DataType,
    Parameterized,
    TypeSyntaxError,
    parse_data_type,
)
from cadence.domain.pipelines.document.draft import DraftTreatment, mapping, texts
from cadence.domain.pipelines.document.findings import Code, DocumentProblem, EnoughProblems, Path, Problems
from cadence.domain.pipelines.document.libraries import MOST_LIBRARIES_DEEP, MOST_TAKEN, Libraries, Reference, reference
from cadence.domain.pipelines.document.wording import suggestion
from cadence.domain.shared.display import shown

_MERGED = ("env", "secrets", "matrix")
_NOT_INHERITED = frozenset({"use", "with", "generics"})


class Definitions:
    """The definitions of one document; each is read once. `within` is how many libraries lead here."""

    def __init__(
        self,
        bodies: Mapping[str, Any],
        libraries: Libraries,
        problems: Problems,
        section: str = "definitions",
        within: int = 0,
    ) -> None:
        self._bodies = bodies
        self._libraries = libraries
        self._problems = problems
        self._section = section
        self._within = within
        self._read: dict[str, DraftTreatment | None] = {}
        self._remote: dict[Reference, Definitions | None] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._bodies

    def __iter__(self) -> Iterator[str]:
        return iter(self._bodies)

    def all(self) -> dict[str, DraftTreatment]:
        """All that can be read, used or not."""
        found = {name: self.named(name) for name in self._bodies}
        return {name: definition for name, definition in found.items() if definition is not None}

    def used(self, use: Any, path: Path) -> DraftTreatment | None:
        """The definition that a `use` written at `path` means; `None` (and a problem, unless of shape) if there is none.

        Raises EnoughProblems if definitions that use each other, or are used very often, make the document huge.
        """
        found = self._meant(use, path)
        if found is not None and not self._libraries.may_take(_size(found)):
            message = (
                f"With this, more than {MOST_TAKEN:,} variables, secrets, axes and generic ports come from definitions."
            )
            self._problems.add_one(Code.TOO_COMPLEX, message, path, "Split the pipeline, or use smaller definitions.")
            raise EnoughProblems
        return found

    def _meant(self, use: Any, path: Path) -> DraftTreatment | None:
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
        asked = reference(use, path, self._problems)
        library = self._library(asked, path) if asked is not None else None
        if library is None:
            return None
        if name not in library:
            message = f"{asked} has no definition {shown(name)}."
            self._problems.add_one(Code.UNKNOWN_DEFINITION, message, (*path, "definition"), suggestion(name, library))
            return None
        return library.named(name)

    def named(self, name: str) -> DraftTreatment | None:
        """One of this document's; reads first what it builds on, however long the chain is."""
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
        told = [*names, names[0]] if len(names) <= 10 else [*names[:10], "…", names[0]]
        message = f"These definitions use each other without end: {' → '.join(told)}."
        path = (self._section, names[-1], "use")
        self._problems.add(
            DocumentProblem(code=Code.RECURSIVE_DEFINITION, message=message, path=path, hint="Write one of them out.")
        )

    def _library(self, asked: Reference, path: Path) -> "Definitions | None":
        if asked not in self._remote:
            self._remote[asked] = self._opened(asked, path)
        return self._remote[asked]

    def _opened(self, asked: Reference, path: Path) -> "Definitions | None":
        if self._within >= MOST_LIBRARIES_DEEP:
            message = f"{asked} is more than {MOST_LIBRARIES_DEEP} libraries away."
            hint = "Use the definition from where it is written."
            self._problems.add(DocumentProblem(code=Code.UNREACHABLE_DEFINITION, message=message, path=path, hint=hint))
            return None
        library = self._libraries.get(asked)
        if library is None or library.definitions is None:
            why = library.fault if library else "it was not looked up"
            code = library.code if library else Code.UNREACHABLE_DEFINITION
            self._problems.add(DocumentProblem(code=code, message=f"{asked} cannot be used: {why}.", path=path))
            return None
        problems = Problems()
        definitions = Definitions(library.definitions, self._libraries, problems, "library", self._within + 1)
        with suppress(EnoughProblems):
            definitions.all()
        wrong = next(iter(problems), None)
        if wrong is not None and wrong.code in (Code.UNREACHABLE_DEFINITION, Code.BAD_LIBRARY):
            self._problems.add_one(wrong.code, wrong.message, path, wrong.hint)
            return None
        if wrong is not None:
            self._problems.add(
                DocumentProblem(
                    code=Code.BAD_LIBRARY, message=f"{asked} has mistakes of its own: {wrong.message}", path=path
                )
            )
            return None
        return definitions


def _size(definition: DraftTreatment) -> int:
    """How many things each use of it makes anew."""
    members = sum(len(mapping(definition.body.get(key))) for key in _MERGED)
    return members + (len(definition.inputs or ()) + len(definition.outputs or ()) if definition.generics else 0)


def inherited(
    name: str, section: str, body: Mapping[str, Any], base: DraftTreatment | None, problems: Problems
) -> DraftTreatment:
    """A body with all that `base`, the definition it uses, adds to it; its own keys win."""
    if base is None:
        return DraftTreatment(name=name, body=body, inputs=None, outputs=None, section=section)
    own_generics = tuple(generic for _, generic in texts(body.get("generics")))
    generics = (*own_generics, *(generic for generic in base.generics if generic not in own_generics))
    meant = _meant(body, base, (section, name), own_generics, problems) if "with" in body else {}

    def meaning(found: Parameterized) -> DataType:
        return meant.get(found.name, found)

    def of_own(found: Parameterized) -> DataType:
        return found if found.name in own_generics else meaning(found)

    def ports(side: str, given: Ports | None) -> Ports | None:
        if side not in body:
            return retyped(given, meaning) if meant else given
        return retyped(read_ports(body[side], (section, name, side), generics, problems), of_own)

    merged = {**{key: value for key, value in base.body.items() if key not in _NOT_INHERITED}, **body}
    origins: dict[Path, Path] = {}
    for key in base.body.keys() - body.keys():
        origins[key,] = base.at(key)[:-1]
    for key in _MERGED:
        theirs, ours = base.body.get(key), body.get(key)
        if isinstance(theirs, dict):
            origins.update(
                {(key, member): base.at(key, member)[:-2] for member in theirs if member not in mapping(ours)}
            )
            if isinstance(ours, dict):
                merged[key] = {**theirs, **ours}
    return DraftTreatment(
        name=name,
        body=merged,
        inputs=ports("inputs", base.inputs),
        outputs=ports("outputs", base.outputs),
        section=section,
        generics=tuple(generic for generic in generics if generic in own_generics or generic not in meant),
        meant=meant,
        origins=origins,
        definition=base.words if "use" in body else None,
    )


def _meant(
    body: Mapping[str, Any], base: DraftTreatment, path: Path, own: tuple[str, ...], problems: Problems
) -> dict[str, DataType]:
    """What `with` says of the type parameters of the definition used."""
    meant: dict[str, DataType] = {}
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
                meant[generic] = parse_data_type(text, own)
            except TypeSyntaxError as error:
                problems.add(type_problem(error, at))
    return meant
