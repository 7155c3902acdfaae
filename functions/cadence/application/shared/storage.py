"""Counts the values that a project keeps, and refuses what would be more than its quota."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import RunStore
from cadence.domain.shared.errors import TooLarge
from cadence.domain.values.storage import StorageUse, storage_text

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
