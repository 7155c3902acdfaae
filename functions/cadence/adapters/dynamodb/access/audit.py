"""`AuditTrail` on the `access` table: one partition for each organization, by time."""

from datetime import timedelta
from itertools import islice
from typing import ClassVar

from pynamodb.attributes import UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.expressions.condition import Condition

from cadence.adapters.dynamodb.access.access_items import AccessTable
from cadence.adapters.dynamodb.access.access_queries import write_together
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.access.ports import AuditTrail
from cadence.application.shared.identifiers import highest_ulid, lowest_ulid, new_ulid
from cadence.application.shared.ports import Page
from cadence.domain.access.audit import ACCEPTED, KEPT, AuditEntry, AuditFilter, AuditKind
from cadence.domain.shared.errors import Conflict

_MOST_READ = 1_000
"""Entries that are read for one page at most."""


class AuditItem(AccessTable):
    PREFIX: ClassVar[str] = "AUDIT#"

    project = UnicodeAttribute()
    at = UTCDateTimeAttribute()
    kind = UnicodeAttribute(default=str(AuditKind.CHANGE))
    actor = UnicodeAttribute(null=True)
    token_id = UnicodeAttribute()
    token_name = UnicodeAttribute()
    action = UnicodeAttribute()
    target = UnicodeAttribute()
    outcome = UnicodeAttribute(default=ACCEPTED)
    request = UnicodeAttribute(null=True)
    source = UnicodeAttribute(null=True)

    @classmethod
    def of(cls, entry: AuditEntry) -> "AuditItem":
        return cls(
            cls.PREFIX + entry.organization,
            new_ulid(entry.at),
            project=entry.project,
            at=entry.at,
            kind=str(entry.kind),
            actor=entry.actor,
            token_id=entry.token_id,
            token_name=entry.token_name,
            action=entry.action,
            target=entry.target,
            outcome=entry.outcome,
            request=entry.request or None,
            source=entry.source or None,
            expires_at=entry.at + KEPT,
        )

    def entry(self) -> AuditEntry:
        return AuditEntry(
            organization=self.pk.removeprefix(self.PREFIX),
            project=self.project,
            at=self.at,
            kind=AuditKind(self.kind),
            actor=self.actor or self.token_id,
            token_id=self.token_id,
            token_name=self.token_name,
            action=self.action,
            target=self.target,
            outcome=self.outcome,
            request=self.request or "",
            source=self.source or "",
        )


class AuditedItem(AccessTable):
    """Something that was noted and is not noted again while this item exists."""

    PREFIX: ClassVar[str] = "AUDITED#"
    SK: ClassVar[str] = "AUDITED"


class DynamoAuditTrail(AuditTrail):
    def __init__(self, table_name: str) -> None:
        bind(AuditItem, table_name)
        bind(AuditedItem, table_name)

    def note(self, entry: AuditEntry) -> None:
        with translated("the audit log"):
            AuditItem.of(entry).save()

    def note_once(self, entry: AuditEntry, key: str, keep: timedelta) -> None:
        guard = AuditedItem(AuditedItem.PREFIX + key, AuditedItem.SK, expires_at=entry.at + keep)
        try:
            with translated("the audit log"), write_together() as transaction:
                transaction.save(guard, condition=AccessTable.pk.does_not_exist())
                transaction.save(AuditItem.of(entry))
        except Conflict:
            return  # it is in the log already

    def entries(
        self, organization: str, limit: int, before: str | None, wanted: AuditFilter | None = None
    ) -> Page[AuditEntry]:
        wanted = wanted or AuditFilter()
        found: list[AuditEntry] = []
        read, last = 0, ""
        lower = lowest_ulid(wanted.since) if wanted.since else ""
        upper = min(filter(None, (before, highest_ulid(wanted.until) if wanted.until else None)), default="")
        if lower and upper and upper <= lower:
            return Page(found, None)
        with translated("the audit log"):
            items = AuditItem.query(
                AuditItem.PREFIX + organization,
                _between(lower, upper),
                scan_index_forward=False,
                page_size=max(limit + 1, 100) if wanted != AuditFilter() else limit + 1,
            )
            for item in islice(items, _MOST_READ + 1):
                if before and item.sk >= before:
                    continue  # the position itself
                if len(found) == limit or read == _MOST_READ:
                    return Page(found, last)
                read, last = read + 1, item.sk
                entry = item.entry()
                if wanted.matches(entry):
                    found.append(entry)
        return Page(found, None)


def _between(lower: str, upper: str) -> Condition | None:
    """Returns the condition on the sort key, which must be one: it may include both ends."""
    if lower and upper:
        return AuditItem.sk.between(lower, upper)
    if lower:
        return AuditItem.sk >= lower
    return AuditItem.sk < upper if upper else None
