"""Findings of a check: a stable code, the place in the document, and a hint how to correct it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from cadence.domain.shared import json_pointer

Path = tuple[str | int, ...]
"""Keys and indexes from the root of a document to a part of it."""


MAX_FINDINGS = 500


class Severity(StrEnum):
    """The severity of a finding: only an error makes a document invalid."""

    ERROR = "error"
    WARNING = "warning"


class Code(StrEnum):
    """The codes of all findings; each has a row in docs/findings.md."""

    # Reading the text
    DOCUMENT_TOO_LARGE = "document-too-large"
    TOO_COMPLEX = "too-complex"
    NOT_UNICODE = "not-unicode"
    BAD_CHARACTER = "bad-character"
    SYNTAX = "syntax"
    EMPTY_DOCUMENT = "empty-document"
    SEVERAL_DOCUMENTS = "several-documents"
    DUPLICATE_KEY = "duplicate-key"
    KEY_NOT_TEXT = "key-not-text"
    BAD_NUMBER = "bad-number"
    YAML_TAG = "yaml-tag"
    TOO_MANY_FINDINGS = "too-many-findings"
    # Shape
    UNKNOWN_KEY = "unknown-key"
    MISSING_KEY = "missing-key"
    WRONG_TYPE = "wrong-type"
    WRONG_VALUE = "wrong-value"
    OUT_OF_RANGE = "out-of-range"
    WRONG_SIZE = "wrong-size"
    WRONG_FORM = "wrong-form"
    REPEATED_ITEM = "repeated-item"
    BAD_NAME = "bad-name"
    # Triggers
    BAD_CRON = "bad-cron"
    UNKNOWN_TIMEZONE = "unknown-timezone"
    SCHEDULE_NEVER_FIRES = "schedule-never-fires"
    SCHEDULE_OFTEN = "schedule-often"
    SECRETS_IN_PULL_REQUEST = "secrets-in-pull-request"
    GENERATED_IN_PULL_REQUEST = "generated-in-pull-request"
    # Types and parameters
    BAD_TYPE = "bad-type"
    BAD_DEFAULT = "bad-default"
    UNKNOWN_PARAMETER = "unknown-parameter"
    MISSING_PARAMETER = "missing-parameter"
    BAD_PARAMETER = "bad-parameter"
    BAD_LITERAL = "bad-literal"
    BAD_PATH = "bad-path"
    BAD_BINDING = "bad-binding"
    CONTRADICTION = "contradiction"
    # Definitions and type parameters
    UNKNOWN_DEFINITION = "unknown-definition"
    RECURSIVE_DEFINITION = "recursive-definition"
    UNPINNED_DEFINITION = "unpinned-definition"
    UNREACHABLE_DEFINITION = "unreachable-definition"
    BAD_LIBRARY = "bad-library"
    UNKNOWN_TYPE_PARAMETER = "unknown-type-parameter"
    TYPE_CONFLICT = "type-conflict"
    UNSOLVED_TYPE = "unsolved-type"
    INFINITE_TYPE = "infinite-type"
    # Connections and order
    RESERVED_PORT = "reserved-port"
    BAD_CONNECTION = "bad-connection"
    UNKNOWN_TREATMENT = "unknown-treatment"
    UNKNOWN_PORT = "unknown-port"
    TYPE_MISMATCH = "type-mismatch"
    INPUT_NOT_FED = "input-not-fed"
    INPUT_FED_TWICE = "input-fed-twice"
    LITERAL_CONNECTED = "literal-connected"
    SELF_CONNECTION = "self-connection"
    CYCLE = "cycle"
    BAD_EACH = "bad-each"
    STREAM_DEADLOCK = "stream-deadlock"
    TRIGGERS_ITSELF = "triggers-itself"
    GENERATED_TRIGGER = "generated-trigger"
    # What the project offers
    NO_SOURCE = "no-source"
    UNKNOWN_SECRET = "unknown-secret"  # noqa: S105 (a finding, not a password)
    SECRET_OF_ENVIRONMENT = "secret-of-environment"  # noqa: S105 (likewise)
    SECRET_OF_POOL = "secret-of-pool"  # noqa: S105 (likewise)
    UNKNOWN_POOL = "unknown-pool"
    POOL_TOO_SMALL = "pool-too-small"
    ARCHITECTURE_NOT_OFFERED = "architecture-not-offered"
    RESIDENCY_NOT_OFFERED = "residency-not-offered"
    RESIDENCY_LEFT = "residency-left"
    RESIDENCY_KEPT = "residency-kept"
    IMAGE_NOT_OFFERED = "image-not-offered"
    POOL_TOO_SMALL_TOGETHER = "pool-too-small-together"
    # Mélodium programs
    UNKNOWN_PROGRAM = "unknown-program"
    UNKNOWN_ENTRYPOINT = "unknown-entrypoint"
    BAD_PROGRAM = "bad-program"
    # Containers and caches
    IMAGE_NEEDED = "image-needed"
    BAD_SERVICE = "bad-service"
    UNKNOWN_VOLUME = "unknown-volume"
    # Expressions and matrices
    BAD_EXPRESSION = "bad-expression"
    UNKNOWN_NAME = "unknown-name"
    EXPRESSION_IN_SCRIPT = "expression-in-script"
    EXPRESSION_NOT_ALLOWED = "expression-not-allowed"
    EXPRESSION_FAILED = "expression-failed"
    BAD_MATRIX = "bad-matrix"
    MATRIX_TOO_LARGE = "matrix-too-large"
    MATRIX_UNMATCHED = "matrix-unmatched"
    FILES_JOINED = "files-joined"
    TOO_MANY_TREATMENTS = "too-many-treatments"
    UNKNOWN_ENVIRONMENT = "unknown-environment"
    ENVIRONMENT_CLOSED = "environment-closed"
    # Environment
    BAD_VARIABLE_NAME = "bad-variable-name"
    RESERVED_VARIABLE = "reserved-variable"
    VARIABLE_SET_TWICE = "variable-set-twice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One problem in a document, as shown to its author.

    `pointer` is a JSON Pointer (RFC 6901); `line` and `column` count from 1.
    Findings about the parameters of a run have no place in a text: their line and column are 0.
    `file` is set for a problem in another file of the document's repository, and is its path from the root.
    """

    code: Code
    severity: Severity
    message: str
    pointer: str
    line: int
    column: int
    hint: str | None = None
    file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePlace:
    """A place in another file of the document's repository; line and column count from 1."""

    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentProblem:
    """A finding whose place is still to be looked up. `at_key` points at the key rather than at its value.

    `too_large`: a part is larger than allowed, so that only the shape of the document is checked. `use` is set for a
    part that is inherited from a definition: the path of the `use`, and the definition in words. `place` is set for a
    part of another file, whose place is known.
    """

    code: Code
    message: str
    path: Path
    hint: str | None = None
    at_key: bool = False
    severity: Severity = Severity.ERROR
    use: tuple[Path, str] | None = None
    too_large: bool = False
    place: FilePlace | None = None


class EnoughProblems(Exception):
    """Signals that there are too many problems to show more of them."""


class Problems:
    """The problems found so far. Adding more than `MAX_FINDINGS` raises `EnoughProblems`, which ends the check.

    A mistake in a definition is reported once, there; a mistake that only a use of it causes is reported at the use.
    This requires that definitions are checked before treatments.
    """

    def __init__(self) -> None:
        self._found: list[DocumentProblem] = []
        self._of_definitions: set[tuple[Code, Path]] = set()

    def add(self, problem: DocumentProblem) -> None:
        """Adds a problem. Raises EnoughProblems if there are too many."""
        place = problem.code, problem.path
        if problem.use is not None:
            if place in self._of_definitions:
                return
            path, definition = problem.use
            if path[:1] == ("definitions",):
                self._of_definitions.add(place)
            message = f"With {definition}: {problem.message}"
            problem = replace(problem, path=path, message=message, at_key=False, use=None)
        elif problem.place is None and problem.path[:1] == ("definitions",):
            self._of_definitions.add(place)
        self._found.append(problem)
        if len(self._found) > MAX_FINDINGS:
            raise EnoughProblems

    def add_one(self, code: Code, message: str, path: Path, hint: str | None = None) -> None:
        """Adds an error from its parts. Raises EnoughProblems if there are too many."""
        self.add(DocumentProblem(code=code, message=message, path=path, hint=hint))

    def add_all(self, problems: Iterable[DocumentProblem]) -> None:
        """Adds several problems. Raises EnoughProblems if there are too many."""
        for problem in problems:
            self.add(problem)

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[DocumentProblem]:
        return iter(self._found)


def pointer(path: Path) -> str:
    """Returns the JSON Pointer (RFC 6901) of a path."""
    return json_pointer.pointer(path)
