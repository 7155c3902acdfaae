"""Finds, reads and saves the caches of a project for the agents of its runs."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from cadence.application.runners.inputs import DOWNLOADS, ChunkUrl, InputAnswer
from cadence.application.runners.outputs import OutputAnswer, signed_upload
from cadence.application.shared.identifiers import new_ulid
from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import RunStore
from cadence.application.shared.value_ports import DataUrls, StoredObject
from cadence.domain.runners.runner import Runner
from cadence.domain.shared import ids
from cadence.domain.shared.errors import Conflict, NotFound, TooLarge
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
from cadence.domain.values.stream import (
    MAX_CHUNK,
    Chunk,
    InputState,
    StreamEnd,
    check_chunk,
    check_digest,
    check_stored,
)
from cadence.domain.values.value_retention import bucket_of

_MOST_GRANTED = 64
_SAVED_BY_ANOTHER = "it was saved by another runner meanwhile"


class CacheStore(Protocol):
    """Entries and uploads of a project in one bucket (None: the installation's own). Every write is safe to repeat."""

    def get(self, organization: str, project: str, key: str, bucket: str | None = None) -> CacheEntry | None:
        """Returns the entry of `key`, None if there is none."""

    def list_entries(
        self, organization: str, project: str, prefix: str = "", bucket: str | None = None
    ) -> Sequence[CacheEntry]:
        """Returns the entries whose keys begin with `prefix`."""

    def note_use(self, entry: CacheEntry, at: datetime) -> None:
        """Notes when the entry was used last. Does nothing if the entry is gone."""

    def add(self, entry: CacheEntry) -> bool:
        """Stores an entry; returns False if another one of the key has not expired, which then stays."""

    def remove(self, entry: CacheEntry) -> None:
        """Removes an entry."""

    def note_restored(self, runner: Runner, use: CacheUse) -> None:
        """Keeps, for the runner and for the entry, that it was restored, so that values can be traced across caches."""

    def note_saved(self, runner: Runner, use: CacheUse) -> None:
        """Keeps, for the runner and for the entry, that it was saved."""

    def begin(self, upload: CacheUpload) -> None:
        """Stores an upload."""

    def get_upload(self, organization: str, project: str, entry: str, bucket: str | None = None) -> CacheUpload | None:
        """Returns the upload of an entry, None if there is none."""

    def list_uploads(self, organization: str, project: str, bucket: str | None = None) -> Sequence[CacheUpload]:
        """Returns the uploads that have not ended."""

    def end(self, upload: CacheUpload) -> None:
        """Removes an upload."""


@dataclass(frozen=True)
class CacheHit:
    """An entry that was found; `exact` is whether it has the requested key."""

    entry: CacheEntry
    exact: bool


@dataclass(frozen=True)
class Saving:
    """The entry to upload, or the reason why it is refused."""

    entry: str | None
    refused: str | None = None


@dataclass(frozen=True)
class WrittenCache(OutputAnswer):
    """As of an output; `refused` says why the entry that ended is not kept."""

    refused: str | None = None


@dataclass(frozen=True)
class FindCache:
    """Finds entries to restore."""

    caches: CacheStore
    clock: Clock

    def find(self, runner: Runner, key: str, restore: Sequence[str]) -> CacheHit | None:
        """Returns the entry of `key`, else the newest whose key starts with the first of `restore` that matches any."""
        now = self.clock()
        entry = self.caches.get(*_scope(runner), key, _bucket(runner))
        hit = CacheHit(entry, exact=True) if entry and entry.expires_at > now else self._similar(runner, restore, now)
        if hit:
            self.caches.note_use(hit.entry, now)
            self.caches.note_restored(runner, _use(runner, hit.entry, key, now))
        return hit

    def _similar(self, runner: Runner, restore: Sequence[str], now: datetime) -> CacheHit | None:
        for prefix in restore:
            entries = self.caches.list_entries(*_scope(runner), prefix, _bucket(runner))
            living = [entry for entry in entries if entry.expires_at > now]
            if living:
                return CacheHit(max(living, key=lambda entry: entry.created_at), exact=False)
        return None


@dataclass(frozen=True)
class ReadCache:
    """Gives agents the addresses of a cache's chunks."""

    caches: CacheStore
    urls: DataUrls

    def read(self, runner: Runner, key: str, entry: str, next_seq: int, done: bool = False) -> InputAnswer:
        """Answers as for a stream that has ended. Raises NotFound once the entry is gone."""
        cached = self.caches.get(*_scope(runner), key, _bucket(runner))
        if cached is None or cached.entry != entry:
            raise NotFound("This cache is no longer kept.")
        last = next_seq if done else min(next_seq + DOWNLOADS, cached.chunks)
        name = partial(ids.cache_chunk_key, cached.organization, cached.project, cached.entry, bucket=cached.bucket)
        downloads = [ChunkUrl(seq, self.urls.download(name(seq))) for seq in range(next_seq, last)]
        return InputAnswer(
            epoch=1,
            state=InputState.ENDED,
            end=StreamEnd(cached.size, cached.sha256, cached.chunks),
            downloads=downloads,
            retry_after=0.0,
        )


@dataclass(frozen=True)
class SaveCache:
    """Begins uploads of caches."""

    runs: RunStore
    caches: CacheStore
    clock: Clock

    def save(self, runner: Runner, key: str) -> Saving:
        """Begins an upload, unless the key is taken, or the run may not write what other runs trust."""
        run = self.runs.get_run(runner.run_id)
        if run.replay_of is not None:
            return Saving(None, "a replay restores caches, but saves none")
        if from_fork(run.event):
            return Saving(None, "a pull request from a fork restores caches, but saves none")
        if runner.retention and runner.retention.passes:
            return Saving(None, f"{runner.retention.reason}, and a cache consists of content")
        now = self.clock()
        taken = self.caches.get(*_scope(runner), key, _bucket(runner))
        if taken and taken.expires_at > now:
            return Saving(None, _SAVED_BY_ANOTHER)
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
    """Gives agents addresses to upload to, and completes uploads."""

    caches: CacheStore
    remove_objects: Callable[[str], int]
    """Removes every object whose address begins with the argument; returns how many there were."""
    stored: Callable[[Sequence[str]], Sequence[StoredObject | None]]
    """Returns what the bucket has at each of these addresses."""
    stored_sizes: Callable[[str], Iterable[int]]
    """Returns the sizes of the chunks that are in the bucket, by the prefix of their addresses."""
    urls: DataUrls
    limits: CacheLimits
    clock: Clock

    def write(
        self,
        runner: Runner,
        key: str,
        entry: str,
        committed: Sequence[Chunk],
        end: StreamEnd | None,
        next_seq: int,
        wanted: Sequence[Chunk],
    ) -> WrittenCache:
        """Grants uploads; with `end` the entry is stored, unless another runner stored one under the key meanwhile.

        Raises NotFound (no such upload of this runner), TooLarge, and Conflict if the bucket does not have what was
        reported; then the upload is removed.
        """
        upload = self.caches.get_upload(*_scope(runner), entry, _bucket(runner))
        if upload is None or (upload.runner_id, upload.key) != (runner.runner_id, key):
            existing = self.caches.get(*_scope(runner), key, _bucket(runner))
            if end and existing and existing.entry == entry:
                return WrittenCache((), 0.0)
            raise NotFound("There is no such upload of a cache by this runner.")
        if (end.size if end else next_seq * MAX_CHUNK) > self.limits.entry:
            self._forget(upload)
            raise TooLarge(f"A cache may take {self.limits.entry >> 20} MiB.", limit=self.limits.entry)
        name = partial(ids.cache_chunk_key, upload.organization, upload.project, entry, bucket=upload.bucket)
        try:
            self._check_stored(upload, name, committed, end)
        except Conflict:
            self._forget(upload)
            raise
        if end:
            return WrittenCache((), 0.0, None if self._commit(runner, upload, end) else _SAVED_BY_ANOTHER)
        return WrittenCache([signed_upload(self.urls, name(chunk.seq), chunk) for chunk in wanted[:_MOST_GRANTED]], 0.0)

    def _check_stored(
        self, upload: CacheUpload, name: Callable[[int], str], chunks: Sequence[Chunk], end: StreamEnd | None
    ) -> None:
        for chunk, stored in zip(chunks, self.stored([name(chunk.seq) for chunk in chunks]), strict=True):
            check_chunk(chunk, stored.size if stored else None, stored.sha256 if stored else None)
            if end and chunk.seq == 0:
                check_digest(end, chunk.sha256)
        if end:
            prefix = ids.cache_prefix(upload.organization, upload.project, upload.entry, upload.bucket)
            check_stored(self.stored_sizes(prefix), end)

    def _commit(self, runner: Runner, upload: CacheUpload, end: StreamEnd) -> bool:
        """Stores the entry; returns False, and removes the upload, if the key has one already."""
        now = self.clock()
        replaced = self.caches.get(upload.organization, upload.project, upload.key, upload.bucket)
        saved = CacheEntry(
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
        if not self.caches.add(saved):
            self._forget(upload)
            return False
        # Before its upload is removed: a repeated call passes here again.
        self.caches.note_saved(runner, _use(runner, saved, saved.key, now))
        if replaced and replaced.entry != saved.entry:
            self._remove_objects(replaced)
        self.caches.end(upload)
        self._make_room(saved, now)
        return True

    def _make_room(self, saved: CacheEntry, now: datetime) -> None:
        entries = self.caches.list_entries(saved.organization, saved.project, bucket=saved.bucket)
        for entry in superfluous(entries, saved.entry, self.limits.project, now):
            self.caches.remove(entry)
            self._remove_objects(entry)
        for upload in self.caches.list_uploads(saved.organization, saved.project, saved.bucket):
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
    """Returns the bucket of the runner's pool.

    An entry in such a bucket is found by runners of such pools only, as its content must not leave that bucket
    unnoticed.
    """
    return bucket_of(runner.retention)


def _use(runner: Runner, entry: CacheEntry, requested: str, at: datetime) -> CacheUse:
    return CacheUse(
        run_id=runner.run_id,
        treatment=runner.treatment,
        attempt=runner.attempt,
        entry=entry.entry,
        key=entry.key,
        asked=requested,
        size=entry.size,
        sha256=entry.sha256,
        saved_at=entry.created_at,
        at=at,
        maker=entry.maker,
    )
