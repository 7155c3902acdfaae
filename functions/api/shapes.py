"""Shapes that several resources share."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from api.endpoint import Model
from cadence.domain.pipelines.document import Finding

NAME_PATTERN = r"^[a-z][a-z0-9_-]{0,62}$"
# An element inside of an engine is named by its path there, in a further track with the track's number behind it.
_TREATMENT = (
    r"[a-z][a-z0-9_-]{0,62}(?:(?::[A-Za-z0-9._+~-]{1,1000})*|(?:/[A-Za-z_][A-Za-z0-9_]{0,199}){1,64}(?:#[0-9.]{1,40})?)"
)
TREATMENT_PATTERN = rf"^{_TREATMENT}$"
SECRET_NAME_PATTERN = r"^[A-Za-z][A-Za-z0-9_.-]{0,126}$"  # noqa: S105 - a pattern of names, no secret
# One pattern, not two alternatives: generators of clients make broken code of alternatives with a default.
PROJECT_OR_ALL_PATTERN = r"^(\*|[a-z][a-z0-9_-]{0,62})$"
IDEMPOTENCY_KEY = r"^[!-~]{1,200}$"

Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
ProjectOrAll = Annotated[str, StringConstraints(pattern=PROJECT_OR_ALL_PATTERN)]
"""A project, or `*` for all: the organization as a whole."""
TreatmentName = Annotated[str, StringConstraints(pattern=TREATMENT_PATTERN)]
"""Of a treatment, of one of its instances, or of an element inside of an engine.

Examples: `test`, `test:3.13:linux`, `main/build/test#2`.
"""
TreatmentNames = Annotated[str, StringConstraints(pattern=rf"^{_TREATMENT}(?:,{_TREATMENT})*$", max_length=4_000)]
"""Of one or more treatments, separated by commas."""

Limit = Annotated[int, Field(ge=1, le=200)]
Cursor = Annotated[str, StringConstraints(min_length=1, max_length=500)]
JsonObject = dict[str, Any]


class FindingView(Model):
    """One problem in a document.

    `pointer` is a JSON Pointer; `line` and `column` count from 1 (0: no place in a text). `file` is the path, from the
    root of its repository, of another file that the problem is in; null for the document itself.
    """

    code: str
    severity: str
    message: str
    pointer: str
    line: int
    column: int
    hint: str | None = None
    file: str | None = None

    @classmethod
    def of(cls, finding: Finding) -> "FindingView":
        return cls(
            code=str(finding.code),
            severity=str(finding.severity),
            message=finding.message,
            pointer=finding.pointer,
            line=finding.line,
            column=finding.column,
            hint=finding.hint,
            file=finding.file,
        )
