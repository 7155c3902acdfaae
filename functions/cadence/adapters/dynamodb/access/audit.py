"""`AuditTrail` on the `access` table: one partition for each organization, by time."""

from typing import ClassVar

from pynamodb.attributes import UnicodeAttribute, UTCDateTimeAttribute

from cadence.adapters.dynamodb.access.access_items import AccessTable
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.access.ports import AuditTrail
from cadence.application.shared.identifiers import new_ulid
from cadence.application.shared.ports import Page
from cadence.domain.access.audit import KEPT, AuditEntry


class AuditItem(AccessTable):
    PREFIX: ClassVar[str] = "AUDIT#"

    project = UnicodeAttribute()
    at = UTCDateTimeAttribute()
    token_id = UnicodeAttribute()
    token_name = UnicodeAttribute()
    action = UnicodeAttribute()
    target = UnicodeAttribute()

    def entry(self) -> AuditEntry:
        organization = self.pk.removeprefix(self.PREFIX)
        return AuditEntry(
            organization=organization,
            project=self.project,
            at=self.at,
            token_id=self.token_id,
            token_name=self.token_name,
            action=self.action,
            target=self.target,
        )


class DynamoAuditTrail(AuditTrail):
    def __init__(self, table_name: str) -> None:
        bind(AuditItem, table_name)

    def note(self, entry: AuditEntry) -> None:
        with translated("the audit trail"):
            AuditItem(
                AuditItem.PREFIX + entry.organization,
                new_ulid(entry.at),
                project=entry.project,
                at=entry.at,
                token_id=entry.token_id,
                token_name=entry.token_name,
                action=entry.action,
                target=entry.target,
                expires_at=entry.at + KEPT,
            ).save()

    def entries(self, organization: str, limit: int, before: str | None) -> Page[AuditEntry]:
        older = AuditItem.sk < before if before else None
        with translated("the audit trail"):
            items = list(
                AuditItem.query(AuditItem.PREFIX + organization, older, limit=limit + 1, scan_index_forward=False)
            )
        page = items[:limit]
        return Page([item.entry() for item in page], page[-1].sk if len(items) > limit else None)
