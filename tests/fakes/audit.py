"""The audit log in memory."""

from dataclasses import dataclass, field
from datetime import timedelta

from cadence.application.shared.ports import Page
from cadence.domain.access.audit import AuditEntry, AuditFilter


@dataclass
class MemoryAuditTrail:
    noted: list[AuditEntry] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    def note(self, entry: AuditEntry) -> None:
        self.noted.append(entry)

    def note_once(self, entry: AuditEntry, key: str, keep: timedelta) -> None:
        if key not in self.keys:
            self.keys.add(key)
            self.note(entry)

    def entries(
        self, organization: str, limit: int, before: str | None, wanted: AuditFilter | None = None
    ) -> Page[AuditEntry]:
        found = [one for one in reversed(self.noted) if one.organization == organization]
        return Page([one for one in found if (wanted or AuditFilter()).matches(one)][:limit], None)
