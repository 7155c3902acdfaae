"""A circuit breaker per offer: what was refused for want of capacity is not asked for again for a while, by any process.

Its state is in the table, so that a burst of Lambdas asks in vain once. After its pause one of them alone asks; while that
one does, and if it is refused, the others still leave the offer alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from cadence.application.placement.back_offs import BackOffs
from cadence.application.shared.ports import Clock
from cadence.domain.placement import back_off
from cadence.domain.placement.back_off import BackOff


class Circuit(Protocol):
    """Kept for all runners of a pool. An offer is known by its label."""

    def opened_by(self, offer: str) -> BackOff | None:
        """The refusal because of which not to ask for it; `None`: ask, and say how it went."""

    def refused(self, offer: str, reason: str) -> None: ...

    def granted(self, offer: str) -> None: ...


@dataclass(frozen=True, kw_only=True)
class SharedCircuit:
    """Of one pool. Used by one call at a time: what it remembers is when it last was told to ask."""

    kept: BackOffs
    organization: str
    pool: str
    clock: Clock
    asked: dict[str, datetime] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)

    def opened_by(self, offer: str) -> BackOff | None:
        now = self.clock()
        seen = self.kept.get(self.organization, self.pool, offer)
        if seen is not None and seen.lasts(now):
            return seen
        if seen is not None and not self.kept.replace(self.organization, self.pool, seen, seen.probed(now)):
            return seen.probed(now)  # somebody else asks at this moment
        self.asked[offer] = now
        (self.closed.add if seen is None else self.closed.discard)(offer)
        return None

    def refused(self, offer: str, reason: str) -> None:
        now = self.clock()
        seen = self.kept.get(self.organization, self.pool, offer)
        new = back_off.refused(seen, offer, self.asked.get(offer, now), now, reason)
        if new is not None:
            self.kept.replace(self.organization, self.pool, seen, new)

    def granted(self, offer: str) -> None:
        if offer not in self.closed:
            self.kept.forget(self.organization, self.pool, offer, self.asked.get(offer, self.clock()))


Circuits = Callable[[str, str], Circuit]
"""The circuit of a pool, given its organization and name."""
