"""What pools have refused lately, shared by all processes of the installation."""

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
        """False, and nothing is changed, if what is kept is no longer as it was `seen`."""

    def forget(self, organization: str, pool: str, offer: str, before: datetime) -> None:
        """Unless it was refused at `before` or later. Forgetting what is not there is no error."""


@dataclass(frozen=True)
class Refusals:
    """What pools had no room for, or could not give."""

    kept: BackOffs
    clock: Clock

    def note(self, organization: str, pool: str, offers: Iterable[str], asked_at: datetime, reason: str) -> None:
        """`reason` in the infrastructure's own words. Safe to repeat: what was asked for at one time counts once."""
        now = self.clock()
        for offer in offers:
            seen = self.kept.get(organization, pool, offer)
            new = refused(seen, offer, asked_at, now, reason)
            if new is not None:
                # Whoever lost against another's note has nothing to add to it.
                self.kept.replace(organization, pool, seen, new)

    def granted(self, organization: str, pool: str, offers: Iterable[str], asked_at: datetime) -> None:
        for offer in offers:
            self.kept.forget(organization, pool, offer, asked_at)

    def of_pool(self, organization: str, pool: str) -> Sequence[BackOff]:
        return self.kept.of_pool(organization, pool)
