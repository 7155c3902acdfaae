"""Ports of legal holds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from cadence.domain.deletion.legal_hold import LegalHold


class HoldStore(Protocol):
    """Legal holds (table `access`). A released hold stays as a record."""

    def add(self, hold: LegalHold) -> None:
        """Stores a hold and marks its project as held, at once.

        Raises Conflict if the project does not exist or is being deleted.
        """

    def get(self, organization: str, hold_id: str) -> LegalHold:
        """Returns a hold. Raises NotFound."""

    def list(self, organization: str) -> Sequence[LegalHold]:
        """Returns the holds of an organization, released ones too, the newest first."""

    def list_on(self) -> Sequence[LegalHold]:
        """Returns the holds of all organizations that are on, the oldest first."""

    def release(self, hold: LegalHold, at: datetime, by: str) -> LegalHold:
        """Releases a hold and returns it. Raises Conflict if it was released before."""

    def lease(self, hold: LegalHold, now: datetime, until: datetime) -> None:
        """Takes the work on a hold until a time. Raises Conflict if another process has it, or it was released."""

    def note_progress(self, hold: LegalHold, through: str) -> None:
        """Notes the position of the last run that a pass came to, and gives the work back."""

    def note_pass(self, hold: LegalHold, at: datetime) -> None:
        """Notes that a pass is complete, and gives the work back."""


@dataclass(frozen=True)
class RenewedObjects:
    """How many objects were written again, and the bytes of values by the day (UTC) on which they were stored."""

    objects: int = 0
    days: Mapping[str, int] = field(default_factory=dict)


class HeldItems(Protocol):
    """Items of all tables that expire by themselves, and the objects of the same runs. All methods raise Transient."""

    def runs(self, organization: str, project: str, after: str | None) -> Iterable[tuple[str, str]]:
        """Returns the positions and ids of a project's runs behind a position, the oldest first."""

    def renew_run(self, run_id: str, now: datetime) -> int:
        """Makes items of a run that would expire soon expire later; returns how many. Safe to repeat."""

    def prefixes(self, run_id: str) -> Sequence[str]:
        """Returns the beginnings of the addresses of a run's objects, in all buckets."""


class ObjectRenewal(Protocol):
    """Writes objects again, so that the bucket's age rules count from now."""

    def renew(self, prefix: str, before: datetime) -> RenewedObjects:
        """Writes those below a prefix again that were written before a time. Raises Transient; safe to repeat."""


class HoldWork(Protocol):
    """The Lambda that keeps what is held, as others call it."""

    def wake(self) -> None:
        """Lets it look for holds now. A call that gets lost is made up for within an hour."""
