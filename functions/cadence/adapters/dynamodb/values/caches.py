"""`CacheStore` on the `runners` table: one partition per project."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.exceptions import DoesNotExist

from cadence.adapters.dynamodb.runners.runner_items import RunnersTable
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.adapters.dynamodb.values.cache_uses import DynamoCacheUses
from cadence.domain.runners.runner import Runner
from cadence.domain.shared.errors import Conflict
from cadence.domain.values.cache import UPLOADING, CacheEntry, CacheMaker, CacheUpload, CacheUse

# Longer than the entry is valid, so that the removal of old entries can still find its objects.
_KEPT_LONGER = timedelta(days=30)


def _partition(organization: str, project: str, bucket: str | None) -> str:
    elsewhere = "" if bucket is None else f"#{bucket}"
    return f"CACHE#{organization}#{project}{elsewhere}"


def _owner(pk: str) -> tuple[str, str, str | None]:
    _, organization, project, *elsewhere = pk.split("#")
    return organization, project, elsewhere[0] if elsewhere else None


class CacheItem(RunnersTable):
    PREFIX: ClassVar[str] = "KEY#"

    entry = UnicodeAttribute()
    size = NumberAttribute()
    sha256 = UnicodeAttribute()
    chunks = NumberAttribute()
    created_at = UTCDateTimeAttribute()
    used_at = UTCDateTimeAttribute()
    valid_until = NumberAttribute()  # seconds, to compare with
    maker = JSONAttribute(null=True)

    @classmethod
    def of(cls, entry: CacheEntry) -> "CacheItem":
        return cls(
            _partition(entry.organization, entry.project, entry.bucket),
            cls.PREFIX + entry.key,
            entry=entry.entry,
            size=entry.size,
            sha256=entry.sha256,
            chunks=entry.chunks,
            created_at=entry.created_at,
            used_at=entry.used_at,
            valid_until=int(entry.expires_at.timestamp()),
            maker=vars(entry.maker) if entry.maker else None,
            expires_at=entry.expires_at + _KEPT_LONGER,
        )

    def cache_entry(self) -> CacheEntry:
        organization, project, bucket = _owner(self.pk)
        return CacheEntry(
            organization=organization,
            project=project,
            key=self.sk.removeprefix(self.PREFIX),
            entry=self.entry,
            size=int(self.size),
            sha256=self.sha256,
            chunks=int(self.chunks),
            created_at=self.created_at,
            used_at=self.used_at,
            maker=CacheMaker(**self.maker) if self.maker else None,
            bucket=bucket,
        )


class CacheUploadItem(RunnersTable):
    PREFIX: ClassVar[str] = "UPLOAD#"

    key = UnicodeAttribute()
    runner_id = UnicodeAttribute()
    started_at = UTCDateTimeAttribute()

    def upload(self) -> CacheUpload:
        entry = self.sk.removeprefix(self.PREFIX)
        organization, project, bucket = _owner(self.pk)
        return CacheUpload(
            organization=organization,
            project=project,
            key=self.key,
            entry=entry,
            runner_id=self.runner_id,
            started_at=self.started_at,
            bucket=bucket,
        )


class DynamoCacheStore:
    def __init__(self, table_name: str) -> None:
        bind(CacheItem, table_name)
        bind(CacheUploadItem, table_name)
        self._uses = DynamoCacheUses(table_name)

    def get(self, organization: str, project: str, key: str, bucket: str | None = None) -> CacheEntry | None:
        try:
            with translated(f"cache {key}"):
                item = CacheItem.get(
                    _partition(organization, project, bucket), CacheItem.PREFIX + key, consistent_read=True
                )
                return item.cache_entry()
        except DoesNotExist:
            return None

    def list_entries(
        self, organization: str, project: str, prefix: str = "", bucket: str | None = None
    ) -> Sequence[CacheEntry]:
        with translated(f"the caches of {project}"):
            items = CacheItem.query(
                _partition(organization, project, bucket), CacheItem.sk.startswith(CacheItem.PREFIX + prefix)
            )
            return [item.cache_entry() for item in items]

    def note_use(self, entry: CacheEntry, at: datetime) -> None:
        item = CacheItem.of(CacheEntry(**{**vars(entry), "used_at": at}))
        changes: list[Any] = [
            CacheItem.used_at.set(item.used_at),
            CacheItem.valid_until.set(item.valid_until),
            CacheItem.expires_at.set(item.expires_at),
        ]
        try:
            with translated(f"cache {entry.key}"):
                item.update(changes, condition=CacheItem.entry == entry.entry)
        except Conflict:
            return  # it was removed or replaced meanwhile

    def add(self, entry: CacheEntry) -> bool:
        free = CacheItem.pk.does_not_exist() | (CacheItem.valid_until <= int(entry.created_at.timestamp()))
        try:
            with translated(f"cache {entry.key}"):
                CacheItem.of(entry).save(free | (CacheItem.entry == entry.entry))
        except Conflict:
            return False
        return True

    def remove(self, entry: CacheEntry) -> None:
        try:
            with translated(f"cache {entry.key}"):
                CacheItem.of(entry).delete(CacheItem.entry == entry.entry)
        except Conflict:
            return  # it was removed or replaced meanwhile

    def note_restored(self, runner: Runner, use: CacheUse) -> None:
        self._uses.note_restored(runner, use)

    def note_saved(self, runner: Runner, use: CacheUse) -> None:
        self._uses.note_saved(runner, use)

    def begin(self, upload: CacheUpload) -> None:
        with translated(f"the upload of cache {upload.key}"):
            CacheUploadItem(
                _partition(upload.organization, upload.project, upload.bucket),
                CacheUploadItem.PREFIX + upload.entry,
                key=upload.key,
                runner_id=upload.runner_id,
                started_at=upload.started_at,
                expires_at=datetime.now(UTC) + UPLOADING + _KEPT_LONGER,
            ).save()

    def get_upload(self, organization: str, project: str, entry: str, bucket: str | None = None) -> CacheUpload | None:
        try:
            with translated(f"the upload {entry}"):
                key = (_partition(organization, project, bucket), CacheUploadItem.PREFIX + entry)
                return CacheUploadItem.get(*key, consistent_read=True).upload()
        except DoesNotExist:
            return None

    def list_uploads(self, organization: str, project: str, bucket: str | None = None) -> Sequence[CacheUpload]:
        with translated(f"the uploads of {project}"):
            prefix = CacheUploadItem.sk.startswith(CacheUploadItem.PREFIX)
            return [item.upload() for item in CacheUploadItem.query(_partition(organization, project, bucket), prefix)]

    def end(self, upload: CacheUpload) -> None:
        with translated(f"the upload {upload.entry}"):
            CacheUploadItem(
                _partition(upload.organization, upload.project, upload.bucket), CacheUploadItem.PREFIX + upload.entry
            ).delete()
