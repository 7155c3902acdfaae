"""Legal holds: while one is on, nothing of a project or run is deleted."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class LegalHold:
    """A hold on a project (`run_id` is None) or on one run of it.

    `set_by` and `released_by` are ids of members, service accounts or tokens. The hold is on until `released_at`.
    `renewed_at` is when everything that it covers was last kept from expiring; None: not yet. `renewed_through` is the
    position of the run up to which the present pass came, `leased_until` the time up to which a process works on it.
    """

    hold_id: str
    organization: str
    project: str
    run_id: str | None
    reason: str
    set_at: datetime
    set_by: str
    released_at: datetime | None = None
    released_by: str | None = None
    renewed_at: datetime | None = None
    renewed_through: str | None = None
    leased_until: datetime | None = None

    @property
    def on(self) -> bool:
        """Whether it was not released."""
        return self.released_at is None

    @property
    def thing(self) -> str:
        """What it holds, in words."""
        return f"project {self.project}" if self.run_id is None else f"run {self.run_id} of project {self.project}"

    @property
    def notice(self) -> str:
        """What it holds, since when and why: the beginning of a message that refuses something."""
        return f"A legal hold is on {self.thing} since {self.set_at:%Y-%m-%d} ({self.reason})"


def hold_against_deleting(
    holds: Iterable[LegalHold], organization: str, project: str | None = None, run_id: str | None = None
) -> LegalHold | None:
    """Returns a hold that forbids deleting an organization, a project of it, or a run; None if none does.

    A project cannot be deleted while one of its runs is held, nor an organization while anything of it is. Without
    `project` the whole organization is meant, without `run_id` the whole project.
    """
    for hold in holds:
        if not hold.on or hold.organization != organization or project not in (None, hold.project):
            continue
        if run_id is None or hold.run_id in (None, run_id):
            return hold
    return None
