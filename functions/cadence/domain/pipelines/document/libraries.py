"""Reads libraries: other documents whose definitions a document uses."""

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cadence.domain.pipelines.document.draft import mapping
from cadence.domain.pipelines.document.findings import Code, DocumentProblem, FilePlace, Path, Problems, Severity
from cadence.domain.pipelines.document.syntax.schema import check_shape
from cadence.domain.pipelines.document.syntax.source import (
    EnoughMisreadings,
    Misreading,
    SourcePositions,
    UnreadableDocument,
    decode,
)
from cadence.domain.pipelines.document.syntax.text import guess, read
from cadence.domain.shared.display import shown

MOST_LIBRARIES_DEEP = 4
"""The longest chain of libraries that use each other."""


OF_FILES = "file "
"""What the names of files of the document's own repository begin with."""

SUFFIXES = (".yaml", ".yml", ".json")
"""What the names of documents in repositories end with."""

MOST_TAKEN = 300_000
"""The most members that all uses of definitions may copy into a document."""


_ITSELF = "is this file itself"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A reference to a library: a version of a pipeline of the project, or a file of a git repository at a commit.

    `path` without `git` is a file of the document's own repository, at the same commit or in the same working tree.
    """

    pipeline: str | None = None
    version: int | None = None
    git: str | None = None
    commit: str | None = None
    path: str | None = None

    @property
    def is_own(self) -> bool:
        """Whether it is a file of the document's own repository."""
        return self.path is not None and self.git is None

    @property
    def name(self) -> str:
        """The name that a run stores: a pipeline's name, with its version if one is named, or the address of a file."""
        if self.is_own:
            return OF_FILES + (self.path or "")
        if self.git is not None:
            return f"{self.git}@{self.commit}:{self.path}"
        return f"{self.pipeline}@{self.version}" if self.version else str(self.pipeline)

    def __str__(self) -> str:
        if self.is_own:
            return f"The file {shown(self.path or '')}"
        if self.git is not None:
            return f"{shown(self.path or '')} of {shown(self.git)} at {(self.commit or '')[:12]}"
        return f"The pipeline {shown(self.pipeline or '')}" + (f" in version {self.version}" if self.version else "")


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The reason, in words, why a library or a program could not be fetched."""

    fault: str


Texts = Mapping[Reference, bytes | Unavailable]
"""The texts of fetched libraries."""


@dataclass(frozen=True, slots=True)
class Library:
    """The definitions of a library, or the reason why there are none."""

    definitions: Mapping[str, Any] | None
    fault: str = ""
    code: Code = Code.UNREACHABLE_DEFINITION
    problems: tuple[DocumentProblem, ...] = ()
    """The mistakes of a file of the document's own repository, with their places."""
    places: SourcePositions | None = None
    """The places of a file of the document's own repository."""


class Libraries:
    """The libraries of a document; each is read once. `path` is the document's own from its repository's root."""

    def __init__(self, texts: Texts | None, path: str | None = None) -> None:
        self._taken = 0
        self._texts = texts or {}
        self._read: dict[Reference, Library] = {}
        self._reported: set[Reference] = set()
        self.document = Reference(path=path) if path is not None else None

    def may_take(self, size: int) -> bool:
        """Counts the members that uses of definitions copy; whether the sum is still allowed."""
        self._taken += size
        return self._taken <= MOST_TAKEN

    def get(self, requested: Reference) -> Library | None:
        """Returns the library; `None` if it was not looked up."""
        if requested not in self._read and requested in self._texts:
            text = self._texts[requested]
            self._read[requested] = _own_file(requested, text) if requested.is_own else _library(text)
        return self._read.get(requested)

    def is_reported(self, requested: Reference) -> bool:
        """Returns whether the mistakes of a library were reported before, and notes that they now are."""
        reported = requested in self._reported
        self._reported.add(requested)
        return reported


def reference(
    use: Mapping[str, Any], path: Path, problems: Problems, within: Reference | None = None
) -> Reference | None:
    """Returns the library that a `use` written as a mapping refers to; adds what is wrong with it to `problems`.

    `within` is the document that it is written in, None if that lies in no repository.
    """
    kinds = [kind for kind in ("pipeline", "git") if kind in use]
    if not kinds and "path" in use:
        return _beside(use, path, problems, within)
    if len(kinds) != 1:
        message = "`use` has to name a pipeline, a git repository or a file" + (", not two." if kinds else ".")
        hint = (
            "For a definition of this document write its name alone: use: name. For one of another file of the same "
            "repository write its path: use: {path: lib/build.yaml, definition: name}."
        )
        code = Code.CONTRADICTION if kinds else Code.MISSING_KEY
        problems.add(DocumentProblem(code=code, message=message, path=path, hint=hint, at_key=True))
        return None
    mistakes = list(_misplaced(use, kinds[0], path)) + list(_unpinned(use, path))
    problems.add_all(mistakes)
    if any(problem.severity is Severity.ERROR for problem in mistakes):
        return None
    return _plain_reference(use)


def references(source: bytes | str, within: Reference | None = None) -> frozenset[Reference]:
    """Returns every library that a document refers to; none for a document that cannot be read.

    `within` is the document itself; None if it lies in no repository.
    """
    try:
        text = decode(source)
        if '"use"' not in text and "use:" not in text and "'use'" not in text:
            return frozenset()
        data = mapping(read(text, guess(text)).data)
    except UnreadableDocument:
        return frozenset()
    bodies = [*mapping(data.get("treatments")).values(), *mapping(data.get("definitions")).values()]
    candidates = (_plain_reference(use, within) for body in bodies if isinstance(use := mapping(body).get("use"), dict))
    return frozenset(candidate for candidate in candidates if candidate is not None)


def _plain_reference(use: Mapping[str, Any], within: Reference | None = None) -> Reference | None:
    """Returns the reference if its parts have the right types (else the schema reports them)."""
    pipeline, version, git, commit, path = (use.get(key) for key in ("pipeline", "version", "git", "commit", "path"))
    if isinstance(pipeline, str) and (version is None or type(version) is int):
        return Reference(pipeline=pipeline, version=version)
    if isinstance(git, str) and isinstance(commit, str) and isinstance(path, str):
        return Reference(git=git, commit=commit, path=path)
    if isinstance(path, str) and within is not None and within.path is not None and not path_fault(path, within.path):
        return replace(within, path=_joined(path, within.path))
    return None


def path_fault(path: str, document: str) -> str | None:
    """Returns why a path is not one of a file of the repository in which the file `document` lies; None if it is."""
    if path.startswith("/") or "\\" in path or any(ord(character) < 32 for character in path):
        return "is not relative to this file, with / between its parts"
    joined = _joined(path, document)
    parts = joined.split("/")
    # File systems that ignore case read `.GIT` as `.git`.
    if parts[0] in ("..", ".") or any(part.lower() == ".git" for part in parts):
        return "leaves the repository"
    if posixpath.splitext(joined)[1] not in SUFFIXES:
        return "does not end with " + ", ".join(SUFFIXES[:-1]) + f" or {SUFFIXES[-1]}"
    if joined == posixpath.normpath(document):
        return _ITSELF
    return None


def _joined(path: str, document: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(document), path))


def _beside(use: Mapping[str, Any], path: Path, problems: Problems, within: Reference | None) -> Reference | None:
    """Returns the reference of a `use` that has a path alone; adds what is wrong with it."""
    file, at = use["path"], (*path, "path")
    for key in ("version", "commit", "ref"):
        if key in use:
            message = f"{shown(key)} means nothing beside {shown('path')} alone, which is a file of the same commit."
            hint = "Leave it out, or name the repository with `git`."
            problems.add(
                DocumentProblem(code=Code.CONTRADICTION, message=message, path=(*path, key), hint=hint, at_key=True)
            )
            return None
    if not isinstance(file, str):
        return None
    if within is None or within.path is None:
        message = f"The file {shown(file)} cannot be used: this document lies in no repository."
        hint = (
            "Put this document into the folder .cadence of a connected repository, or name it as a file (cadence run "
            "FILE). A repository at a commit can be used everywhere: use: {git: …, commit: …, path: …}."
        )
        problems.add_one(Code.UNREACHABLE_DEFINITION, message, at, hint)
        return None
    fault = path_fault(file, within.path)
    if fault is not None:
        own = "For a definition of this document write its name alone: use: name."
        other = "Write the path of a document of this repository, relative to this file: path: lib/build.yaml."
        hint = own if fault == _ITSELF else other
        problems.add_one(Code.BAD_PATH, f"The path {shown(file)} {fault}.", at, hint)
        return None
    return replace(within, path=_joined(file, within.path))


def _misplaced(use: Mapping[str, Any], kind: str, path: Path) -> Iterator[DocumentProblem]:
    for key in ("commit", "ref", "path") if kind == "pipeline" else ("version",):
        if key in use:
            message = f"{shown(key)} means nothing beside {shown(kind)}."
            yield DocumentProblem(
                code=Code.CONTRADICTION, message=message, path=(*path, key), hint="Leave it out.", at_key=True
            )
    if kind == "git" and "path" not in use:
        yield DocumentProblem(
            code=Code.MISSING_KEY,
            message="`use` lacks “path”.",
            path=path,
            hint="Name the file in the repository.",
            at_key=True,
        )


def _unpinned(use: Mapping[str, Any], path: Path) -> Iterator[DocumentProblem]:
    if "git" in use and "ref" in use:
        message = "A branch or tag can move, so that another script would run than was checked."
        hint = "Write the full commit: commit: <40 hexadecimal digits>."
        yield DocumentProblem(
            code=Code.UNPINNED_DEFINITION, message=message, path=(*path, "ref"), hint=hint, at_key=True
        )
    elif "git" in use and "commit" not in use:
        message = "The definition is not pinned to a commit."
        hint = "Write the full commit: commit: <40 hexadecimal digits>."
        yield DocumentProblem(code=Code.UNPINNED_DEFINITION, message=message, path=path, hint=hint, at_key=True)
    elif "pipeline" in use and "version" not in use:
        message = f"The newest version of {shown(use['pipeline'])} is used, which can change from run to run."
        hint = "Write the version that is meant: version: 3."
        yield DocumentProblem(
            code=Code.UNPINNED_DEFINITION, message=message, path=path, hint=hint, at_key=True, severity=Severity.WARNING
        )


def _library(text: bytes | Unavailable) -> Library:
    if isinstance(text, Unavailable):
        return Library(None, text.fault)
    try:
        source = decode(text)
        reading = read(source, guess(source))
    except UnreadableDocument as error:
        return Library(None, f"its document cannot be read: {error.problem.message}", Code.BAD_LIBRARY)
    definitions = mapping(reading.data).get("definitions", {})
    mistakes = [misreading.message for misreading in reading.misreadings]
    mistakes += [problem.message for problem in check_shape(_with_definitions(definitions))]
    if mistakes:
        return Library(None, f"its document has mistakes: {mistakes[0]}", Code.BAD_LIBRARY)
    return Library(definitions)


def _own_file(requested: Reference, text: bytes | Unavailable) -> Library:
    """Returns a library of the document's own repository, whose mistakes are findings with a place."""
    if isinstance(text, Unavailable):
        return Library(None, text.fault)
    file = requested.path or ""
    try:
        source = decode(text)
        reading = read(source, guess(source), keep_places=True)
    except UnreadableDocument as error:
        return Library(None, problems=(_misread(error.problem, file),))
    except EnoughMisreadings as error:
        return Library(None, problems=tuple(_misread(misreading, file) for misreading in error.misreadings))
    definitions = mapping(reading.data).get("definitions", {})
    problems = [_misread(misreading, file) for misreading in reading.misreadings]
    problems += [placed(problem, file, reading.places) for problem in check_shape(_with_definitions(definitions))]
    return Library(None if problems else definitions, problems=tuple(problems), places=reading.places)


def placed(problem: DocumentProblem, file: str, places: SourcePositions | None) -> DocumentProblem:
    """Returns a problem of another file with its place; one that has a place, of a third file, stays as it is."""
    if problem.place is not None:
        return problem
    line, column = places.find(problem) if places else (1, 1)
    return replace(problem, place=FilePlace(file=file, line=line, column=column))


def _misread(misreading: Misreading, file: str) -> DocumentProblem:
    line, column = misreading.position
    return DocumentProblem(
        code=misreading.code,
        message=misreading.message,
        path=misreading.path,
        hint=misreading.hint,
        place=FilePlace(file=file, line=line, column=column),
    )


def _with_definitions(definitions: Any) -> dict[str, Any]:
    """Returns a document with these definitions, since a library need not have treatments: only they are checked."""
    return {"cadence": 1, "name": "library", "treatments": {"none": {"run": "true"}}, "definitions": definitions}
