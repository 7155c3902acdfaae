"""Reads libraries: other documents whose definitions a document uses."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cadence.domain.pipelines.document.draft import mapping
from cadence.domain.pipelines.document.findings import Code, DocumentProblem, Path, Problems, Severity
from cadence.domain.pipelines.document.syntax.schema import check_shape
from cadence.domain.pipelines.document.syntax.source import UnreadableDocument, decode
from cadence.domain.pipelines.document.syntax.text import guess, read
from cadence.domain.shared.display import shown

MOST_LIBRARIES_DEEP = 4
"""The longest chain of libraries that use each other."""


MOST_TAKEN = 300_000
"""The most members that all uses of definitions may copy into a document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A reference to a library: a version of a pipeline of the project, or a file of a git repository at a commit."""

    pipeline: str | None = None
    version: int | None = None
    git: str | None = None
    commit: str | None = None
    path: str | None = None

    @property
    def name(self) -> str:
        """The name that a run stores: a pipeline's name, with its version if one is named, or the address of a file."""
        if self.git is not None:
            return f"{self.git}@{self.commit}:{self.path}"
        return f"{self.pipeline}@{self.version}" if self.version else str(self.pipeline)

    def __str__(self) -> str:
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


class Libraries:
    """The libraries of a document; each is read once."""

    def __init__(self, texts: Texts | None) -> None:
        self._taken = 0
        self._texts = texts or {}
        self._read: dict[Reference, Library] = {}

    def may_take(self, size: int) -> bool:
        """Counts the members that uses of definitions copy; whether the sum is still allowed."""
        self._taken += size
        return self._taken <= MOST_TAKEN

    def get(self, requested: Reference) -> Library | None:
        """Returns the library; `None` if it was not looked up."""
        if requested not in self._read and requested in self._texts:
            self._read[requested] = _library(self._texts[requested])
        return self._read.get(requested)


def reference(use: Mapping[str, Any], path: Path, problems: Problems) -> Reference | None:
    """Returns the library that a `use` written as a mapping refers to; adds what is wrong with it to `problems`."""
    kinds = [kind for kind in ("pipeline", "git") if kind in use]
    if len(kinds) != 1:
        message = "`use` has to name either a pipeline or a git repository" + (", not both." if kinds else ".")
        hint = "For a definition of this document write its name alone: use: name."
        code = Code.CONTRADICTION if kinds else Code.MISSING_KEY
        problems.add(DocumentProblem(code=code, message=message, path=path, hint=hint, at_key=True))
        return None
    mistakes = list(_misplaced(use, kinds[0], path)) + list(_unpinned(use, path))
    problems.add_all(mistakes)
    if any(problem.severity is Severity.ERROR for problem in mistakes):
        return None
    return _plain_reference(use)


def references(source: bytes | str) -> frozenset[Reference]:
    """Returns every library that a document refers to; none for a document that cannot be read."""
    try:
        text = decode(source)
        if '"use"' not in text and "use:" not in text and "'use'" not in text:
            return frozenset()
        data = mapping(read(text, guess(text)).data)
    except UnreadableDocument:
        return frozenset()
    bodies = [*mapping(data.get("treatments")).values(), *mapping(data.get("definitions")).values()]
    candidates = (_plain_reference(use) for body in bodies if isinstance(use := mapping(body).get("use"), dict))
    return frozenset(candidate for candidate in candidates if candidate is not None)


def _plain_reference(use: Mapping[str, Any]) -> Reference | None:
    """Returns the reference if its parts have the right types (else the schema reports them)."""
    pipeline, version, git, commit, path = (use.get(key) for key in ("pipeline", "version", "git", "commit", "path"))
    if isinstance(pipeline, str) and (version is None or type(version) is int):
        return Reference(pipeline=pipeline, version=version)
    if isinstance(git, str) and isinstance(commit, str) and isinstance(path, str):
        return Reference(git=git, commit=commit, path=path)
    return None


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
    # A library need not have treatments, so only this part of it is checked against the schema.
    shape = {"cadence": 1, "name": "library", "treatments": {"none": {"run": "true"}}, "definitions": definitions}
    mistakes = [misreading.message for misreading in reading.misreadings]
    mistakes += [problem.message for problem in check_shape(shape)]
    if mistakes:
        return Library(None, f"its document has mistakes: {mistakes[0]}", Code.BAD_LIBRARY)
    return Library(definitions)
