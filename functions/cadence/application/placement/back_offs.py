"""The recent refusals of pools, shared by all processes of the installation."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cadence.application.shared.ports import Clock
from cadence.domain.placement.back_off import BackOff, refused


class BackOffs(Protocol):
    """Back-offs of one kind (table `runners`), by pool and offer."""

    def get(self, organization: str, pool: str, offer: str) -> BackOff | None: ...

    def of_pool(self, organization: str, pool: str) -> Sequence[BackOff]: ...

    def replace(self, organization: str, pool: str, seen: BackOff | None, new: BackOff) -> bool:
        """Replaces the stored back-off by `new`. Returns False, and changes nothing, if it no longer equals `known`."""

    def forget(self, organization: str, pool: str, offer: str, before: datetime) -> None:
        """Removes a back-off, unless it was refused at `before` or later. A missing back-off is no error."""


@dataclass(frozen=True)
class Refusals:
    """Notes the offers that pools had no room for or could not give."""

    kept: BackOffs
    clock: Clock

    def note(self, organization: str, pool: str, offers: Iterable[str], asked_at: datetime, reason: str) -> None:
        """Notes that a pool refused `offers`; `reason` is in the infrastructure's own words.

        Safe to repeat: what was requested at one time counts once.
        """
        now = self.clock()
        for offer in offers:
            known = self.kept.get(organization, pool, offer)
            new = refused(known, offer, asked_at, now, reason)
            if new is not None:
                # A process that loses against another's note has nothing to add to it.
                self.kept.replace(organization, pool, known, new)

    def granted(self, organization: str, pool: str, offers: Iterable[str], asked_at: datetime) -> None:
        """Removes the back-offs of `offers`, which the pool has granted, unless they were refused again since."""
        for offer in offers:
            self.kept.forget(organization, pool, offer, asked_at)

    def of_pool(self, organization: str, pool: str) -> Sequence[BackOff]:
        """Returns the back-offs of a pool."""
        return self.kept.of_pool(organization, pool)
