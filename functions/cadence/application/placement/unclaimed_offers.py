"""Runners that are offered to machines and that none has taken yet: what they wait for is told, and who cannot be served goes on elsewhere."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from cadence.application.shared.ports import PoolStore
from cadence.application.shared.run_ports import TreatmentStore
from cadence.application.shared.runner_ports import Host
from cadence.domain.placement import placing
from cadence.domain.placement.pool import HOST
from cadence.domain.runners.runner import Runner
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import TreatmentState
from cadence.domain.shared.errors import Conflict, NotFound, NotReady

_BOOTING = TreatmentState.BOOTING


@dataclass(frozen=True)
class UnclaimedOffers:
    treatments: TreatmentStore
    pools: PoolStore
    at_work: Callable[[str, str], Sequence[Host]]

    def check(self, runner: Runner) -> NotReady | None:
        """Notes of the treatment what its runner waits for. An error if it is to be placed once more, since it could begin in another pool."""
        treatment = self.treatments.get_treatment(runner.run_id, runner.treatment)
        hosts = self.at_work(runner.organization, runner.pool)
        if not hosts and (other := self._elsewhere(runner, treatment)):
            return NotReady(f"{placing.UNATTENDED}: pool {runner.pool}; pool {other} can hold {runner.treatment}, too")
        words = f"a machine of pool {runner.pool}: {_told(hosts)}"
        if treatment.waiting_for != words:
            with suppress(Conflict):  # it has begun, or ended
                self.treatments.advance(
                    runner.run_id, runner.treatment, runner.attempt, {_BOOTING}, _BOOTING, waiting_for=words
                )
        return None

    def _elsewhere(self, runner: Runner, treatment: Treatment) -> str | None:
        others = (one.pool for one in placing.decode(treatment.placement) if one.fits and one.pool != runner.pool)
        return next((name for name in others if self._is_attended(runner.organization, name)), None)

    def _is_attended(self, organization: str, name: str) -> bool:
        try:
            pool = self.pools.get_pool(organization, name)
        except NotFound:
            return False
        return pool.provider != HOST or bool(self.at_work(organization, name))


def _told(hosts: Sequence[Host]) -> str:
    if not hosts:
        return "none asks for work (`cadence host join` adds one)"
    taken = sum(len(host.running | host.handed) for host in hosts)
    return f"{taken} of {sum(host.slots for host in hosts)} slots are taken"
