"""Watches runners that are offered to hosts and not claimed yet.

Notes what they wait for, and reports those that no host can take but another pool could.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from cadence.application.shared.ports import Clock, PoolStore
from cadence.application.shared.run_ports import TreatmentStore
from cadence.application.shared.runner_ports import Host, Offers
from cadence.domain.melodium import engines
from cadence.domain.placement import placing
from cadence.domain.placement.pool import HOST
from cadence.domain.runners.runner import Runner
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import PLACEABLE, TreatmentState
from cadence.domain.shared.errors import Conflict, NotFound, NotReady

_BOOTING = TreatmentState.BOOTING
_PLACING_TAKES = timedelta(seconds=60)  # at the most, and the call has ended


@dataclass(frozen=True, kw_only=True)
class UnclaimedOffers:
    """Checks offers that no host has claimed.

    `at_work` lists the hosts of a pool that ask for work and have an engine, `engines` the engines of all its hosts.
    """

    treatments: TreatmentStore
    pools: PoolStore
    offers: Offers
    clock: Clock
    at_work: Callable[[str, str, str | None], Sequence[Host]]
    engines: Callable[[str, str], Sequence[str | None]]

    def check(self, runner: Runner) -> NotReady | None:
        """Notes what the treatment's runner waits for.

        Returns an error if the treatment is to be placed once more: it could begin in another pool; or its pool was
        removed, or the last host with its engine has left, so that it ends with that cause unless another pool fits; or
        the call that placed it ended half-way.
        """
        treatment = self.treatments.get_treatment(runner.run_id, runner.treatment)
        if treatment.state not in PLACEABLE:
            return None  # it has begun, or ended, since its runner was read: its machine waits for that attempt's end
        placed_long_ago = self.clock() >= runner.created_at + _PLACING_TAKES
        if treatment.state is not _BOOTING and placed_long_ago:
            return NotReady(f"{runner.treatment} was to be offered to pool {runner.pool}, and was not")
        hosts = self.at_work(runner.organization, runner.pool, runner.engine)
        if not hosts and not self._exists(runner.organization, runner.pool):
            return NotReady(f"pool {runner.pool} was removed before a machine of it took {runner.treatment}")
        if not hosts and (other := self._elsewhere(runner, treatment)):
            return NotReady(f"{placing.UNATTENDED}: pool {runner.pool}; pool {other} can hold {runner.treatment}, too")
        known = () if hosts or not runner.engine else self.engines(runner.organization, runner.pool)
        if lacking := engines.lacking(runner.pool, runner.engine, known):
            return NotReady(lacking)
        words = f"a machine of pool {runner.pool}: {_occupancy(hosts, runner.engine)}"
        if treatment.waiting_for != words:
            with suppress(Conflict):  # it has begun, or ended
                self.treatments.advance(
                    runner.run_id, runner.treatment, runner.attempt, {_BOOTING}, _BOOTING, waiting_for=words
                )
        if placed_long_ago:
            self.offers.put_offer(runner, self.clock())  # again, in case the call that placed it ended before it did
        return None

    def _elsewhere(self, runner: Runner, treatment: Treatment) -> str | None:
        considered = placing.decode(treatment.placement)
        others = (candidate.pool for candidate in considered if candidate.fits and candidate.pool != runner.pool)
        return next((name for name in others if self._is_attended(runner, name)), None)

    def _is_attended(self, runner: Runner, name: str) -> bool:
        try:
            pool = self.pools.get_pool(runner.organization, name)
        except NotFound:
            return False
        return pool.provider != HOST or bool(self.at_work(runner.organization, name, runner.engine))

    def _exists(self, organization: str, name: str) -> bool:
        try:
            self.pools.get_pool(organization, name)
        except NotFound:
            return False
        return True


def _occupancy(hosts: Sequence[Host], engine: str | None) -> str:
    """Returns, in words, how many of the hosts' slots are taken."""
    if not hosts:
        equipped = f" with {engines.in_words(engine)}" if engine else ""
        return f"none{equipped} asks for work (`cadence host join` adds one)"
    taken = sum(len(host.running | host.handed) for host in hosts)
    return f"{taken} of {sum(host.slots for host in hosts)} slots are taken"
