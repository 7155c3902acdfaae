"""What keeping and reading the audit trail needs from the outside."""

from typing import Protocol

from cadence.application.ports import Page
from cadence.domain.audit import AuditEntry


class AuditTrail(Protocol):
    def note(self, entry: AuditEntry) -> None:
        """Raises Transient: what cannot be noted is not to be done."""

    def entries(self, organization: str, limit: int, before: str | None) -> Page[AuditEntry]:
        """Newest first, from the position `before` on."""
