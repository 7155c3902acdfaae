"""`AuditTrail` that asks the store only once for what a process has noted already."""

from collections import OrderedDict
from datetime import timedelta

from cadence.application.access.ports import AuditTrail
from cadence.application.shared.ports import Page
from cadence.domain.access.audit import AuditEntry, AuditFilter

_MOST = 10_000


class RememberedAudit(AuditTrail):
    """Leaves out repetitions of `note_once`, which are as frequent as reads of a log that is followed."""

    def __init__(self, trail: AuditTrail, most: int = _MOST) -> None:
        self._trail, self._most = trail, most
        self._noted: OrderedDict[str, None] = OrderedDict()

    def note(self, entry: AuditEntry) -> None:
        self._trail.note(entry)

    def note_once(self, entry: AuditEntry, key: str, keep: timedelta) -> None:
        # A key has the hour in it, so it need not be forgotten after `keep`.
        if key in self._noted:
            return
        self._trail.note_once(entry, key, keep)
        self._noted[key] = None
        if len(self._noted) > self._most:
            self._noted.popitem(last=False)

    def entries(
        self, organization: str, limit: int, before: str | None, wanted: AuditFilter | None = None
    ) -> Page[AuditEntry]:
        return self._trail.entries(organization, limit, before, wanted)
