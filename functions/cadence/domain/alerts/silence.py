"""Silences: times during which alerts are kept without messages."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from cadence.domain.access.access import ALL_PROJECTS
from cadence.domain.shared.patterns import matches


@dataclass(frozen=True, kw_only=True)
class Silence:
    """A silence from `starts_at` until `ends_at`.

    It covers alerts whose labels (`rule` is one) fit all of `where`, which holds patterns.
    """

    silence_id: str
    organization: str
    project: str
    where: Mapping[str, str]
    starts_at: datetime
    ends_at: datetime
    comment: str
    created_by: str

    def covers(self, project: str, labels: Mapping[str, str], now: datetime) -> bool:
        """Returns whether the alert is silenced now. `project` is that of the alert's rule."""
        return (
            self.starts_at <= now < self.ends_at
            and self.project in (ALL_PROJECTS, project)
            and all(matches(pattern, labels.get(name, "")) for name, pattern in self.where.items())
        )


def silenced_until(
    silences: Iterable[Silence], project: str, labels: Mapping[str, str], now: datetime
) -> datetime | None:
    """Returns until when at least the alert is silenced; None if it is not."""
    ends = [silence.ends_at for silence in silences if silence.covers(project, labels, now)]
    return max(ends, default=None)
