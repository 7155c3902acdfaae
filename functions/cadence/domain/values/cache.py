"""Caches: archives kept between the runs of one project, by key. An entry never changes; the first of a key stays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

UNUSED = timedelta(days=30)
"""How long an entry that nobody restores is kept."""
LONGEST = timedelta(days=90)
"""How long any entry is kept."""
UPLOADING = timedelta(days=1)
"""How long an upload may take before it counts as given up."""


@dataclass(frozen=True)
class CacheLimits:
    """Bytes of one entry, and of all entries of a project."""

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
    """`entry` is its own id: another entry may come to have the key later. Sizes are bytes.

    `maker` is not known of entries that were saved before it was kept. `bucket` is where its chunks are, if not in the
    installation's own; each bucket has caches of its own.
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
        return min(self.used_at + UNUSED, self.created_at + LONGEST)


@dataclass(frozen=True, kw_only=True)
class CacheUse:
    """That an attempt of a treatment saved an entry or was handed it, with all that is to be known once the entry is gone.

    `key` is the entry's own; `asked` what the treatment asked for, which may be another if it takes what begins alike.
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
    """What will be an entry once its upload has ended."""

    organization: str
    project: str
    key: str
    entry: str
    runner_id: str
    started_at: datetime
    bucket: str | None = None


def superfluous(entries: Iterable[CacheEntry], kept: str, limit: int, now: datetime) -> Sequence[CacheEntry]:
    """What has to go: what expired, then what was not used for longest until the rest fits `limit`; never `kept`."""
    living: list[CacheEntry] = []
    going: list[CacheEntry] = []
    for entry in sorted(entries, key=lambda entry: entry.used_at):
        (going if entry.expires_at <= now else living).append(entry)
    total = sum(entry.size for entry in living)
    for entry in living:
        if total <= limit:
            break
        if entry.entry != kept:
            going.append(entry)
            total -= entry.size
    return going
