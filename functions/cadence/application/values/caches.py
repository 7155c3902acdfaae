"""Agents find, read and save the caches of their run's project."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from cadence.application.runners.inputs import DOWNLOADS, ChunkUrl, InputAnswer
from cadence.application.runners.outputs import OutputAnswer
from cadence.application.shared.identifiers import new_ulid
from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import RunStore
from cadence.application.shared.value_ports import DataUrls
from cadence.domain.runners.runner import Runner
from cadence.domain.shared import ids
from cadence.domain.shared.errors import NotFound, TooLarge
from cadence.domain.triggers.git_events import from_fork
from cadence.domain.values.cache import (
    UPLOADING,
    CacheEntry,
    CacheLimits,
    CacheMaker,
    CacheUpload,
    CacheUse,
    superfluous,
)
from cadence.domain.values.stream import MAX_CHUNK, InputState, StreamEnd
from cadence.domain.values.value_retention import bucket_of

_MOST_GRANTED = 64


class CacheStore(Protocol):
    """Entries and uploads of a project in one bucket. Every write is safe to repeat."""

    def get(self, organization: str, project: str, key: str, bucket: str | None = None) -> CacheEntry | None: ...

    def list_entries(
        self, organization: str, project: str, prefix: str = "", bucket: str | None = None
    ) -> Sequence[CacheEntry]: ...

    def note_use(self, entry: CacheEntry, at: datetime) -> None:
        """Nothing happens if the entry is gone."""

    def add(self, entry: CacheEntry) -> bool:
        """False if there is another entry of the key that has not expired: the first stays."""

    def remove(self, entry: CacheEntry) -> None: ...

    def note_restored(self, runner: Runner, use: CacheUse) -> None:
        """Keeps, for the runner and for the entry, that it was handed out, so that values can be traced across caches."""

    def note_saved(self, runner: Runner, use: CacheUse) -> None: ...

    def begin(self, upload: CacheUpload) -> None: ...

    def get_upload(
        self, organization: str, project: str, entry: str, bucket: str | None = None
    ) -> CacheUpload | None: ...

    def list_uploads(self, organization: str, project: str, bucket: str | None = None) -> Sequence[CacheUpload]: ...

    def end(self, upload: CacheUpload) -> None: ...


@dataclass(frozen=True)
class CacheHit:
    entry: CacheEntry
    exact: bool


@dataclass(frozen=True)
class Saving:
    """Where to upload to, or why not to."""

    entry: str | None
    refused: str | None = None


@dataclass(frozen=True)
class FindCache:
    caches: CacheStore
    clock: Clock

    def find(self, runner: Runner, key: str, restore: Sequence[str]) -> CacheHit | None:
        """The entry of `key`, else the newest whose key starts with the first of `restore` that any does."""
        now = self.clock()
        entry = self.caches.get(*_scope(runner), key, _bucket(runner))
        found = CacheHit(entry, exact=True) if entry and entry.expires_at > now else self._similar(runner, restore, now)
        if found:
            self.caches.note_use(found.entry, now)
            self.caches.note_restored(runner, _use(runner, found.entry, key, now))
        return found

    def _similar(self, runner: Runner, restore: Sequence[str], now: datetime) -> CacheHit | None:
        for prefix in restore:
            entries = self.caches.list_entries(*_scope(runner), prefix, _bucket(runner))
            living = [entry for entry in entries if entry.expires_at > now]
            if living:
                return CacheHit(max(living, key=lambda entry: entry.created_at), exact=False)
        return None


@dataclass(frozen=True)
class ReadCache:
    caches: CacheStore
    urls: DataUrls

    def read(self, runner: Runner, key: str, entry: str, next_seq: int, done: bool = False) -> InputAnswer:
        """Like a stream that has ended. Raises NotFound once the entry is gone."""
        found = self.caches.get(*_scope(runner), key, _bucket(runner))
        if found is None or found.entry != entry:
            raise NotFound("This cache is no longer kept.")
        last = next_seq if done else min(next_seq + DOWNLOADS, found.chunks)
        name = partial(ids.cache_chunk_key, found.organization, found.project, found.entry, bucket=found.bucket)
        downloads = [ChunkUrl(seq, self.urls.download(name(seq))) for seq in range(next_seq, last)]
        return InputAnswer(
            epoch=1,
            state=InputState.ENDED,
            end=StreamEnd(found.size, found.sha256, found.chunks),
            downloads=downloads,
            retry_after=0.0,
        )


@dataclass(frozen=True)
class SaveCache:
    runs: RunStore
    caches: CacheStore
    clock: Clock

    def save(self, runner: Runner, key: str) -> Saving:
        """Begins an upload, unless the key is taken, or the run is one that may not write what others will trust."""
        run = self.runs.get_run(runner.run_id)
        if run.replay_of is not None:
            return Saving(None, "a replay restores caches, but saves none")
        if from_fork(run.event):
            return Saving(None, "a pull request from a fork restores caches, but saves none")
        if runner.retention and runner.retention.passes:
            return Saving(None, f"{runner.retention.reason}, and a cache is all content")
        now = self.clock()
        taken = self.caches.get(*_scope(runner), key, _bucket(runner))
        if taken and taken.expires_at > now:
            return Saving(None, "it was saved by another runner meanwhile")
        upload = CacheUpload(
            organization=runner.organization,
            project=runner.project,
            key=key,
            entry=new_ulid(now),
            runner_id=runner.runner_id,
            started_at=now,
            bucket=_bucket(runner),
        )
        self.caches.begin(upload)
        return Saving(upload.entry)


@dataclass(frozen=True, kw_only=True)
class WriteCache:
    caches: CacheStore
    remove_objects: Callable[[str], int]
    """Removes everything whose address starts so."""
    urls: DataUrls
    limits: CacheLimits
    clock: Clock

    def write(
        self, runner: Runner, key: str, entry: str, end: StreamEnd | None, next_seq: int, want: int
    ) -> OutputAnswer:
        """Grants uploads; with `end` the entry exists. Raises NotFound (no such upload of this runner), TooLarge."""
        upload = self.caches.get_upload(*_scope(runner), entry, _bucket(runner))
        if upload is None or (upload.runner_id, upload.key) != (runner.runner_id, key):
            made = self.caches.get(*_scope(runner), key, _bucket(runner))
            if end and made and made.entry == entry:
                return OutputAnswer((), 0.0)
            raise NotFound("There is no such upload of a cache by this runner.")
        if (end.size if end else next_seq * MAX_CHUNK) > self.limits.entry:
            self._forget(upload)
            raise TooLarge(f"A cache may take {self.limits.entry >> 20} MiB.", limit=self.limits.entry)
        if end:
            self._commit(runner, upload, end)
            return OutputAnswer((), 0.0)
        name = partial(ids.cache_chunk_key, upload.organization, upload.project, entry, bucket=upload.bucket)
        last = next_seq + min(want, _MOST_GRANTED)
        return OutputAnswer([ChunkUrl(seq, self.urls.upload(name(seq))) for seq in range(next_seq, last)], 0.0)

    def _commit(self, runner: Runner, upload: CacheUpload, end: StreamEnd) -> None:
        now = self.clock()
        replaced = self.caches.get(upload.organization, upload.project, upload.key, upload.bucket)
        made = CacheEntry(
            organization=upload.organization,
            project=upload.project,
            key=upload.key,
            entry=upload.entry,
            size=end.size,
            sha256=end.sha256,
            chunks=end.chunks,
            created_at=now,
            used_at=now,
            maker=CacheMaker(runner.run_id, runner.treatment, runner.attempt),
            bucket=upload.bucket,
        )
        if not self.caches.add(made):
            self._forget(upload)
            return
        # Before its upload is forgotten: a repeated call comes past here again.
        self.caches.note_saved(runner, _use(runner, made, made.key, now))
        if replaced and replaced.entry != made.entry:
            self._remove_objects(replaced)
        self.caches.end(upload)
        self._make_room(made, now)

    def _make_room(self, made: CacheEntry, now: datetime) -> None:
        entries = self.caches.list_entries(made.organization, made.project, bucket=made.bucket)
        for entry in superfluous(entries, made.entry, self.limits.project, now):
            self.caches.remove(entry)
            self._remove_objects(entry)
        for upload in self.caches.list_uploads(made.organization, made.project, made.bucket):
            if upload.started_at + UPLOADING <= now:
                self._forget(upload)

    def _forget(self, upload: CacheUpload) -> None:
        self._remove_objects(upload)
        self.caches.end(upload)

    def _remove_objects(self, of: CacheEntry | CacheUpload) -> None:
        self.remove_objects(ids.cache_prefix(of.organization, of.project, of.entry, of.bucket))


def _scope(runner: Runner) -> tuple[str, str]:
    return runner.organization, runner.project


def _bucket(runner: Runner) -> str | None:
    """What is kept in a bucket of its pool is found by the runners of such pools only: it must not leave that bucket unseen."""
    return bucket_of(runner.retention)


def _use(runner: Runner, entry: CacheEntry, asked: str, at: datetime) -> CacheUse:
    return CacheUse(
        run_id=runner.run_id,
        treatment=runner.treatment,
        attempt=runner.attempt,
        entry=entry.entry,
        key=entry.key,
        asked=asked,
        size=entry.size,
        sha256=entry.sha256,
        saved_at=entry.created_at,
        at=at,
        maker=entry.maker,
    )
