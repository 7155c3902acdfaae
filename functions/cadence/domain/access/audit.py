"""Entries of the audit log."""

from dataclasses import dataclass
from datetime import datetime, timedelta

KEPT = timedelta(days=365)


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """A record of one audited request.

    `action` is the operation's name in the API, `target` the path of the request. Nothing of a request's body is kept.
    `project` is `*` for what concerns the whole organization.
    """

    organization: str
    project: str
    at: datetime
    token_id: str
    token_name: str
    action: str
    target: str
