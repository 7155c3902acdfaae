"""Records one request in the audit log."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import timedelta

from cadence.application.access.authenticate import TokenRefused
from cadence.application.access.ports import AuditTrail
from cadence.application.shared.identifiers import new_ulid
from cadence.application.shared.ports import Clock
from cadence.domain.access.access import ALL_PROJECTS, Principal
from cadence.domain.access.audit import LONGEST_TARGET, AuditEntry, AuditKind
from cadence.domain.shared.errors import CadenceError, Forbidden, Transient

_HOUR = timedelta(hours=1)


@dataclass
class AuditedRequest:
    """Records what one request does, or why it is refused; all methods raise Transient if it cannot be recorded.

    A change has an entry before it is carried out, and a second one with the reason if it is refused after all. An
    earlier refusal has one entry an hour for the same caller and operation, so that repeating a request cannot fill
    the log. `action` is the operation's name, `target` the request's path, `source` the caller's address.
    """

    audit: AuditTrail
    clock: Clock
    action: str
    target: str
    source: str = ""
    _accepted: AuditEntry | None = field(default=None, init=False)

    def accept(self, by: Principal, kind: AuditKind, project: str = ALL_PROJECTS) -> None:
        """Records what is permitted, before it is carried out."""
        entry = replace(self._entry(by, kind, project), request=new_ulid(self.clock()))
        self.audit.note(entry)
        self._accepted = entry

    def accept_hourly(self, by: Principal, kind: AuditKind, project: str = ALL_PROJECTS) -> None:
        """Records what is permitted, once an hour for the same caller, operation, target and project."""
        entry = self._entry(by, kind, project)
        note_hourly(self.audit, entry, entry.actor, entry.action, entry.target, entry.project)

    def refuse(self, by: Principal | None, error: CadenceError) -> None:
        """Records that the request is refused, if it is known who sent it: `by`, or the token that the error names."""
        if self._accepted is not None:
            if not isinstance(error, Transient):  # which says that the outcome is not known
                self.audit.note(replace(self._accepted, at=self.clock(), outcome=error.code))
        elif by is not None and isinstance(error, Forbidden):
            entry = replace(self._entry(by, AuditKind.REFUSAL, ALL_PROJECTS), outcome=error.code)
            note_hourly(self.audit, entry, entry.actor, entry.action)
        elif isinstance(error, TokenRefused):
            entry = AuditEntry(
                organization=error.organization,
                project=error.project,
                at=self.clock(),
                kind=AuditKind.REFUSAL,
                actor=error.actor,
                token_id=error.token_id,
                token_name=error.token_name,
                action=self.action,
                target=self.target[:LONGEST_TARGET],
                outcome=error.code,
                source=self.source,
            )
            # Whoever knows a token's id can cause this, so there is one for all operations.
            note_hourly(self.audit, entry, entry.token_id)

    def _entry(self, by: Principal, kind: AuditKind, project: str) -> AuditEntry:
        target = self.target[:LONGEST_TARGET]
        return AuditEntry.by(by, self.clock(), kind, self.action, target, project=project, source=self.source)


def note_hourly(audit: AuditTrail, entry: AuditEntry, *same: str) -> None:
    """Records an entry unless there is one of this hour that is the `same`. Raises Transient."""
    hour = str(int(entry.at.timestamp() // _HOUR.total_seconds()))
    parts = (entry.organization, str(entry.kind), entry.outcome, hour, *same)
    key = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
    audit.note_once(entry, key, _HOUR)
