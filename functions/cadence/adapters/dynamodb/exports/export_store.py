"""`ExportStore` on the `access` table, beside the pools."""

from collections.abc import Sequence
from typing import ClassVar

from pynamodb.attributes import (
    BinaryAttribute,
    BooleanAttribute,
    JSONAttribute,
    UnicodeAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.exceptions import DoesNotExist

from cadence.adapters.dynamodb.access.access_items import AccessTable, organization_key
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.domain.exports.export import Export, ExportKind, Signal
from cadence.domain.shared.errors import Conflict, NotFound


class ExportItem(AccessTable):
    class Meta:
        table_name: ClassVar[str] = "access"

    PREFIX: ClassVar[str] = "EXPORT#"

    organization = UnicodeAttribute()
    name = UnicodeAttribute()
    kind = UnicodeAttribute()
    url = UnicodeAttribute()
    signals: JSONAttribute = JSONAttribute()
    projects: JSONAttribute = JSONAttribute()
    labels: JSONAttribute = JSONAttribute()
    headers: JSONAttribute = JSONAttribute()
    enabled = BooleanAttribute()
    origin = UnicodeAttribute()
    scheme = UnicodeAttribute(null=True)
    encrypted = BinaryAttribute(null=True, legacy_encoding=False)
    created_at = UTCDateTimeAttribute()
    updated_at = UTCDateTimeAttribute()

    @classmethod
    def of(cls, export: Export) -> "ExportItem":
        return cls(
            organization_key(export.organization),
            cls.PREFIX + export.name,
            organization=export.organization,
            name=export.name,
            kind=str(export.kind),
            url=export.url,
            signals=sorted(export.signals),
            projects=list(export.projects),
            labels=dict(export.labels),
            headers=dict(export.headers),
            enabled=export.enabled,
            origin=export.origin,
            scheme=export.scheme,
            encrypted=export.encrypted,
            created_at=export.created_at,
            updated_at=export.updated_at,
        )

    def export(self) -> Export:
        return Export(
            organization=self.organization,
            name=self.name,
            kind=ExportKind(self.kind),
            url=self.url,
            signals=frozenset(map(Signal, self.signals)),
            projects=tuple(self.projects),
            labels=self.labels,
            headers=self.headers,
            enabled=self.enabled,
            origin=self.origin,
            scheme=self.scheme,
            encrypted=self.encrypted,
            created_at=self.created_at,
            updated_at=self.updated_at,
        )


class DynamoExportStore:
    """Implements ExportStore."""

    def __init__(self, table_name: str) -> None:
        bind(ExportItem, table_name)

    def put_export(self, export: Export) -> bool:
        item = ExportItem.of(export)
        try:
            with translated(f"export {export.name}"):
                item.save(ExportItem.pk.does_not_exist())
        except Conflict:
            with translated(f"export {export.name}"):
                item.save()
            return False
        return True

    def get_export(self, organization: str, name: str) -> Export:
        try:
            with translated(f"export {name}"):
                item = ExportItem.get(organization_key(organization), ExportItem.PREFIX + name, consistent_read=True)
        except DoesNotExist:
            raise _missing(name) from None
        return item.export()

    def list_exports(self, organization: str) -> Sequence[Export]:
        with translated("the list of exports"):
            items = ExportItem.query(
                organization_key(organization), ExportItem.sk.startswith(ExportItem.PREFIX), consistent_read=True
            )
            return [item.export() for item in items]

    def delete_export(self, organization: str, name: str) -> None:
        try:
            with translated(f"export {name}"):
                ExportItem(organization_key(organization), ExportItem.PREFIX + name).delete(ExportItem.pk.exists())
        except Conflict:
            raise _missing(name) from None


def _missing(name: str) -> NotFound:
    return NotFound(f"There is no export {name!r} here.")
