"""The audit log."""

from datetime import datetime

from pydantic import Field

from api.cursors import sign, verify
from api.endpoint import Call, Endpoints, Model
from api.shapes import Cursor, Limit
from cadence.composition.api import Services
from cadence.domain.access.access import Permission

endpoints = Endpoints("audit")


class AuditView(Model):
    """One entry.

    `action` is the name of the operation, `target` the path that it was called with, `token` and `by` the token's id
    and name.
    """

    at: datetime
    token: str
    by: str
    project: str
    action: str
    target: str


class AuditPage(Model):
    items: list[AuditView] = Field(description="Newest first, of the projects that the token sees; kept for a year.")
    next: str | None = Field(description="The cursor of the next page, null at the end.")


class AuditQuery(Model):
    limit: Limit = 50
    cursor: Cursor | None = None


@endpoints.add("GET", "/v1/audit", Permission.AUDIT_READ, answers={200: AuditPage}, errors=(422,))
def list_audit(call: Call, services: Services, query: AuditQuery) -> AuditPage:
    """Lists the audit log: calls of operations that are audited, noted before they are carried out, so refused ones as
    well.
    """
    listing, key = ("audit", call.by.organization), services.keys.key("CURSOR")
    before = verify(key, query.cursor, *listing) if query.cursor else None
    page = services.audit.entries(call.by.organization, query.limit, before)
    items = [
        AuditView(
            at=entry.at,
            token=entry.token_id,
            by=entry.token_name,
            project=entry.project,
            action=entry.action,
            target=entry.target,
        )
        for entry in page.items
        if call.by.sees(entry.organization, entry.project)
    ]
    return AuditPage(items=items, next=sign(key, page.after, *listing) if page.after else None)
