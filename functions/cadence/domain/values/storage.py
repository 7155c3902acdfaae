"""The storage quota of a project: how many bytes of values its runs may keep at a time."""

from collections.abc import Mapping
from dataclasses import dataclass

MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class StorageUse:
    """Bytes of values that a project keeps, by the day (UTC, `2026-03-01`) on which they were uploaded.

    `own_limit` is the limit in bytes that the project has set itself, None if it has none. Days whose values the bucket
    has removed by its age rule are not listed.
    """

    days: Mapping[str, int]
    own_limit: int | None = None

    @property
    def used(self) -> int:
        """Bytes in all. A day that lost more than was counted has none left."""
        return sum(max(0, size) for size in self.days.values())

    def limit(self, most: int) -> int:
        """The limit in bytes that applies: the project's own, never more than the installation's."""
        return most if self.own_limit is None else min(self.own_limit, most)


def storage_text(project: str, limit: int, used: int) -> str:
    """Returns what is wrong, and what to do, when the quota is reached."""
    return (
        f"The storage quota of {_size(limit)} for the values of the project {project!r} is reached: {_size(used)} are "
        "kept. Values leave with the retention of the project (`cadence retention set`), or raise the quota "
        "(`cadence storage set`; the most is set at the deployment: project_storage_mebibytes)."
    )


def _size(size: int) -> str:
    for unit, bytes_ in (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= bytes_:
            return f"{size / bytes_:.4g} {unit}"
    return f"{size} bytes"
