"""Caches: archives kept between the runs of one project, by key. An entry never changes; the first of a key is kept."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

UNUSED = timedelta(days=30)
"""How long an entry is kept after its last use."""
LONGEST = timedelta(days=90)
"""How long an entry is kept at most."""
UPLOADING = timedelta(days=1)
"""How long an upload may take before it counts as abandoned."""


@dataclass(frozen=True)
class CacheLimits:
    """The most bytes of one entry, and of all entries of a project."""

    entry: int
    project: int


@dataclass(frozen=True)
class CacheMaker:
    """The attempt of a treatment that saved an entry."""

    run_id: str
    treatment: str
    attempt: int


@dataclass(frozen=True, kw_only=True)
class CacheEntry:
    """One entry of a project's caches. Sizes are bytes.

    `entry` is its own id: another entry may get the key later. `maker` is unknown for entries that were saved before it
    was recorded. `bucket` has its chunks, if not the installation's own; each bucket has caches of its own.
    """

    organization: str
    project: str
    key: str
    entry: str
    size: int
    sha256: str
    chunks: int
    created_at: datetime
    used_at: datetime
    maker: CacheMaker | None = None
    bucket: str | None = None

    @property
    def expires_at(self) -> datetime:
        """The time from which the entry may be removed."""
        return min(self.used_at + UNUSED, self.created_at + LONGEST)


@dataclass(frozen=True, kw_only=True)
class CacheUse:
    """A record that an attempt of a treatment saved or restored an entry; it outlives the entry.

    `key` is the entry's own; `asked` is the key that the treatment requested, which differs if it accepts prefixes.
    """

    run_id: str
    treatment: str
    attempt: int
    entry: str
    key: str
    asked: str
    size: int
    sha256: str
    saved_at: datetime
    at: datetime
    maker: CacheMaker | None


@dataclass(frozen=True, kw_only=True)
class CacheUpload:
    """An entry whose upload has not ended yet."""

    organization: str
    project: str
    key: str
    entry: str
    runner_id: str
    started_at: datetime
    bucket: str | None = None


def superfluous(entries: Iterable[CacheEntry], kept: str, limit: int, now: datetime) -> Sequence[CacheEntry]:
    """Returns the entries to remove.

    These are the expired ones, then the least recently used until the rest fits into `limit` bytes; of the latter never
    the entry with the id `kept`.
    """
    remaining: list[CacheEntry] = []
    removed: list[CacheEntry] = []
    for entry in sorted(entries, key=lambda entry: entry.used_at):
        (removed if entry.expires_at <= now else remaining).append(entry)
    total = sum(entry.size for entry in remaining)
    for entry in remaining:
        if total <= limit:
            break
        if entry.entry != kept:
            removed.append(entry)
            total -= entry.size
    return removed
