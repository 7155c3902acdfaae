"""Takes what is removed off the count of a project's values; shows what it keeps, and sets its own limit."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cadence.application.shared.storage import StorageLedger
from cadence.domain.shared.errors import InvalidRequest, Violation
from cadence.domain.values.storage import MEBIBYTE


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
