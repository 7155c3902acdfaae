"""Ports over environments of projects and approval links (table `access`)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from cadence.application.limits.approvals import EnvironmentReader
from cadence.domain.limits.environment_set import EnvironmentSet


class EnvironmentStore(EnvironmentReader, Protocol):
    """The environments of projects."""

    def list_environments(self, organization: str, project: str) -> Sequence[EnvironmentSet]:
        """Returns the environments of the project."""

    def put_environment(self, organization: str, project: str, environment: EnvironmentSet) -> None:
        """Creates or replaces an environment."""

    def delete_environment(self, organization: str, project: str, name: str) -> None:
        """Deletes an environment. Raises NotFound."""


@dataclass(frozen=True, kw_only=True)
class ApprovalLink:
    """A link that decides once about one treatment in the name of the token that made it, or of its `subject`.

    Only the SHA-256 of its key is known.
    """

    link_id: str
    key_sha256: str = field(repr=False)
    run_id: str
    treatment: str
    organization: str
    project: str
    token_id: str
    name: str
    expires_at: datetime
    used_at: datetime | None = None
    subject: str | None = None


class LinkStore(Protocol):
    """Approval links."""

    def add_link(self, link: ApprovalLink) -> None:
        """Stores a new link."""

    def get_link(self, link_id: str) -> ApprovalLink:
        """Returns a link. Raises NotFound."""

    def use_link(self, link_id: str, at: datetime) -> None:
        """Marks a link used, once. Raises Conflict if it was used."""
