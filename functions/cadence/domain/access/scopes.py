"""Scopes: the parts of an organization at which roles are granted and permissions are asked for."""

import re
from dataclasses import dataclass
from enum import StrEnum

from cadence.domain.shared.errors import InvalidRequest, Violation

_NAME = r"[a-z][a-z0-9_-]{0,62}"
SCOPE_PATTERN = rf"^(?:organization|(?:project|pool):{_NAME}|(?:pipeline|environment):{_NAME}/{_NAME})$"
_SCOPE = re.compile(SCOPE_PATTERN)


class ScopeKind(StrEnum):
    ORGANIZATION = "organization"
    PROJECT = "project"
    PIPELINE = "pipeline"
    ENVIRONMENT = "environment"
    POOL = "pool"


@dataclass(frozen=True)
class Scope:
    """A part of an organization. `project` and `name` are set as its kind requires.

    Its text is `organization`, `project:P`, `pipeline:P/NAME`, `environment:P/NAME` or `pool:NAME`.
    """

    kind: ScopeKind
    project: str | None = None
    name: str | None = None

    def __str__(self) -> str:
        within = "/".join(part for part in (self.project, self.name) if part)
        return f"{self.kind}:{within}" if within else str(self.kind)

    def covers(self, other: "Scope") -> bool:
        """Whether what is granted here holds for `other`, too: the same scope, or one inside of this one."""
        if self.kind is ScopeKind.ORGANIZATION:
            return True
        if self.kind is ScopeKind.PROJECT:
            return other.project == self.project
        return self == other

    @classmethod
    def parse(cls, text: str) -> "Scope":
        """Returns the scope of a text. Raises InvalidRequest."""
        if not _SCOPE.fullmatch(text):
            message = (
                f"{text[:200]!r} is no scope. Write organization, project:PROJECT, pipeline:PROJECT/PIPELINE, "
                "environment:PROJECT/ENVIRONMENT or pool:POOL."
            )
            raise InvalidRequest(message, [Violation("scope", message, "bad_scope")])
        kind, _, rest = text.partition(":")
        first, _, second = rest.partition("/")
        if kind == ScopeKind.POOL:
            return cls(ScopeKind.POOL, name=first)
        return cls(ScopeKind(kind), first or None, second or None)


ORGANIZATION = Scope(ScopeKind.ORGANIZATION)


def project_scope(project: str, *, pipeline: str | None = None, environment: str | None = None) -> Scope:
    """Returns the scope of a project (`*`: of the whole organization), or of one thing of it."""
    if project == "*":
        return ORGANIZATION
    if pipeline is not None:
        return Scope(ScopeKind.PIPELINE, project, pipeline)
    if environment is not None:
        return Scope(ScopeKind.ENVIRONMENT, project, environment)
    return Scope(ScopeKind.PROJECT, project)


def pool_scope(pool: str) -> Scope:
    """Returns the scope of a pool."""
    return Scope(ScopeKind.POOL, name=pool)
