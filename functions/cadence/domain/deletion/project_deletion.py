"""The deletion of a project or an organization with everything in it, and the record that remains of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from cadence.domain.access.access import ALL_PROJECTS


class DeletionState(StrEnum):
    """How far a deletion is.

    While `closing`, nothing new starts and what runs is ended; while `removing`, data is removed; `deleted` is final.
    """

    CLOSING = "closing"
    REMOVING = "removing"
    DELETED = "deleted"


@dataclass(frozen=True)
class DataCounts:
    """Numbers of a project's things by kind (`runs`, `secrets`, `bytes`, …).

    `complete` is False if the time was over before everything was counted: then there is at least as much.
    """

    counts: Mapping[str, int]
    complete: bool = True


@dataclass(frozen=True, kw_only=True)
class ProjectDeletion:
    """One deletion of a project, or of an organization: then `project` is `*`.

    `requested_by` is the id of a member, a service account or a token. `removes_from` is when the removal begins: by
    then no runner or engine can write any more. `removed` counts what was removed, by kind. `remains` says, one
    sentence each, what could not be removed and where it is. `leased_until` is the time up to which a process works on
    it, `version` counts changes.
    """

    deletion_id: str
    organization: str
    project: str
    requested_at: datetime
    requested_by: str
    removes_from: datetime
    state: DeletionState = DeletionState.CLOSING
    removed: Mapping[str, int] = field(default_factory=dict)
    remains: tuple[str, ...] = ()
    finished_at: datetime | None = None
    leased_until: datetime | None = None
    version: int = 0

    @property
    def whole_organization(self) -> bool:
        """Whether the organization itself is deleted."""
        return self.project == ALL_PROJECTS


def added(counts: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Returns the sums by kind, without kinds of which there is none."""
    names = sorted({*counts, *more})
    return {name: total for name in names if (total := counts.get(name, 0) + more.get(name, 0))}
