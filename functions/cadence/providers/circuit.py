"""A circuit breaker per offer: one refused for lack of capacity is not requested for a while, by any process.

Its state is in the table, so that a burst of Lambdas makes one vain request. After the pause a single process tries;
meanwhile, and if it is refused, the others still leave the offer alone.
"""

from dataclasses import dataclass, field
from datetime import datetime

from cadence.application.placement.back_offs import BackOffs
from cadence.application.shared.ports import Clock
from cadence.domain.placement import back_off
from cadence.domain.placement.back_off import BackOff


@dataclass(frozen=True, kw_only=True)
class SharedCircuit:
    """The circuit of one pool, for one caller at a time: it remembers when that was last allowed to make a request."""

    kept: BackOffs
    organization: str
    pool: str
    clock: Clock
    asked: dict[str, datetime] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)

    def opened_by(self, offer: str) -> BackOff | None:
        """Returns the refusal because of which not to request the offer, known by its label.

        None: request it, and report the result.
        """
        now = self.clock()
        known = self.kept.get(self.organization, self.pool, offer)
        if known is not None and known.lasts(now):
            return known
        if known is not None and not self.kept.replace(self.organization, self.pool, known, known.probed(now)):
            return known.probed(now)  # another process tries at this moment
        self.asked[offer] = now
        (self.closed.add if known is None else self.closed.discard)(offer)
        return None

    def refused(self, offer: str, reason: str) -> None:
        """Records that the offer was refused for lack of capacity."""
        now = self.clock()
        known = self.kept.get(self.organization, self.pool, offer)
        new = back_off.refused(known, offer, self.asked.get(offer, now), now, reason)
        if new is not None:
            self.kept.replace(self.organization, self.pool, known, new)

    def granted(self, offer: str) -> None:
        """Records that the offer was granted: it is requested again from now on."""
        if offer not in self.closed:
            self.kept.forget(self.organization, self.pool, offer, self.asked.get(offer, self.clock()))
