"""Counts the values that a project keeps, refuses uploads beyond its quota, and takes what is removed off the count."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import RunStore
from cadence.domain.shared.errors import InvalidRequest, TooLarge, Violation
from cadence.domain.values.storage import MEBIBYTE, StorageUse, storage_text

_FRESH = timedelta(minutes=1)


class StorageLedger(Protocol):
    """Bytes of values by project and day (table `runners`). A day's count ends when the bucket removes its values."""

    def read(self, organization: str, project: str) -> StorageUse:
        """Returns what the project keeps, and its own limit."""

    def add(self, organization: str, project: str, day: str, size: int) -> int:
        """Adds bytes to a day's count, or takes them off (`size` below 0); returns the day's count."""

    def put_limit(self, organization: str, project: str, limit: int | None) -> None:
        """Stores the project's own limit in bytes (None: none)."""


@dataclass(frozen=True)
class RemovedObjects:
    """What was removed: the number of objects, and the bytes of values by the day (UTC) on which they were stored."""

    objects: int = 0
    days: Mapping[str, int] = field(default_factory=dict)


def release(ledger: StorageLedger, organization: str, project: str, removed: RemovedObjects) -> int:
    """Takes what was removed off the project's count; returns the number of objects.

    If the caller ends before, the count stays too high until the bucket's age rule would have removed the values.
    """
    for day, size in removed.days.items():
        if size:
            ledger.add(organization, project, day, -size)
    return removed.objects


@dataclass(frozen=True)
class ReserveStorage:
    """Counts chunks when their upload is granted, so that what is never reported counts, too.

    A chunk whose upload is granted twice, since the first answer was lost or its URL expired, counts twice.
    """

    ledger: StorageLedger
    limit: int
    clock: Clock
    _known: dict[tuple[str, str], tuple[datetime, str, StorageUse]] = field(default_factory=dict)

    def reserve(self, organization: str, project: str, size: int) -> None:
        """Adds `size` bytes to what the project keeps. Raises TooLarge if that would be more than its quota.

        What other processes add to earlier days, or remove, is known after a minute at the latest.
        """
        if not size:
            return
        now = self.clock()
        key, day = (organization, project), f"{now.astimezone(UTC):%Y-%m-%d}"
        known = self._known.get(key)
        if known is None or known[1] != day or now - known[0] >= _FRESH or self._exceeds(known[2], size):
            known = now, day, self.ledger.read(organization, project)
        read_at, _, use = known
        if self._exceeds(use, size):
            self._known[key] = known
            limit = use.limit(self.limit)
            raise TooLarge(storage_text(project, limit, use.used), quota="storage", limit=limit, used=use.used)
        today = self.ledger.add(organization, project, day, size)
        self._known[key] = read_at, day, StorageUse({**use.days, day: today}, use.own_limit)

    def count(self, organization: str, project: str, size: int) -> None:
        """Adds `size` bytes to what the project keeps, whatever its quota is."""
        if size:
            self.ledger.add(organization, project, f"{self.clock().astimezone(UTC):%Y-%m-%d}", size)

    def _exceeds(self, use: StorageUse, size: int) -> bool:
        return use.used + size > use.limit(self.limit)


@dataclass(frozen=True)
class RunStorage:
    """Counts what Cadence itself writes for a run, as what runners upload."""

    runs: RunStore
    storage: ReserveStorage

    def reserve(self, run_id: str, size: int) -> None:
        """Adds `size` bytes to what the run's project keeps. Raises TooLarge if that would be more than its quota."""
        run = self.runs.get_run(run_id)
        self.storage.reserve(run.organization, run.project, size)


@dataclass(frozen=True)
class ProjectStorage:
    """What a project keeps, and the limits in bytes: what applies, the project's own, the installation's."""

    used: int
    limit: int
    own: int | None
    most: int


@dataclass(frozen=True)
class ManageStorage:
    """Shows what a project keeps, and sets its own limit."""

    ledger: StorageLedger
    most: int

    def get(self, organization: str, project: str) -> ProjectStorage:
        """Returns use and limits of a project."""
        use = self.ledger.read(organization, project)
        return ProjectStorage(use.used, use.limit(self.most), use.own_limit, self.most)

    def put(self, organization: str, project: str, limit: int | None) -> ProjectStorage:
        """Sets the limit in bytes (None: the installation's). Raises InvalidRequest beyond that."""
        if limit is not None and not 1 <= limit <= self.most:
            message = (
                f"A project's values can take 1 to {self.most // MEBIBYTE} MiB here; the maximum is set when Cadence "
                "is deployed (project_storage_mebibytes)."
            )
            raise InvalidRequest(message, [Violation("/mebibytes", message, "out_of_range")])
        self.ledger.put_limit(organization, project, limit)
        return self.get(organization, project)
