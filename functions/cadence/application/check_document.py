"""Checks a document against everything it may refer to in its project."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from cadence.domain.errors import InvalidRequest
from cadence.domain.pool import Pool

if TYPE_CHECKING:
    from cadence.domain.document import Finding, Report


class InvalidDocument(InvalidRequest):
    """The document has errors; `findings` are all of them, warnings included."""

    code = "invalid_document"

    def __init__(self, message: str, findings: "Sequence[Finding]") -> None:
        super().__init__(message)
        self.findings = tuple(findings)


class Pools(Protocol):
    def list_pools(self, organization: str) -> Sequence[Pool]: ...


class SecretNames(Protocol):
    def list_secret_names(self, organization: str, project: str) -> Sequence[str]: ...
