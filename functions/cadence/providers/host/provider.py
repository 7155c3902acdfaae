"""Runners on self-registered hosts: work is offered, and a host with a free slot takes it."""

from collections.abc import Sequence
from dataclasses import dataclass

from cadence.application.shared.ports import Clock
from cadence.application.shared.runner_ports import HostStore, RunnerStore, WorkNotification
from cadence.domain.runners.runner import RunnerState
from cadence.domain.shared.errors import NotFound
from cadence.providers.contract import Check, Machine, MachineCondition, RunnerRequest

_CONDITIONS = {
    RunnerState.OFFERED: MachineCondition.STARTING,
    RunnerState.BOOTING: MachineCondition.STARTING,
    RunnerState.CLAIMED: MachineCondition.RUNNING,
}


@dataclass(frozen=True, kw_only=True)
class HostProvider:
    """Implements `Provider` for one pool. A reference is the runner's id."""

    organization: str
    pool: str
    runners: RunnerStore
    hosts: HostStore
    work_notification: WorkNotification
    clock: Clock
    first_state: RunnerState = RunnerState.OFFERED

    def start(self, request: RunnerRequest) -> str:
        # A runner that a host has taken already is not offered again.
        runner = self.runners.get_runner(request.runner_id)
        if runner.state is RunnerState.OFFERED:
            self.hosts.put_offer(runner, self.clock())
            self.work_notification.ring(self.organization, self.pool)
        return request.runner_id

    def describe(self, ref: str) -> Machine:
        try:
            runner = self.runners.get_runner(ref)
        except NotFound:
            return Machine(ref=ref, runner_id=ref, condition=MachineCondition.GONE)
        return Machine(
            ref=ref,
            runner_id=ref,
            condition=_CONDITIONS.get(runner.state, MachineCondition.GONE),
            created_at=runner.created_at,
        )

    def stop(self, ref: str) -> None:
        """Withdraws the offer. A host that still runs it is woken, and learns of the end at its next lease."""
        try:
            runner = self.runners.get_runner(ref)
        except NotFound:
            return
        self.hosts.remove_offer(self.organization, self.pool, runner.as_offer)
        hosts = () if runner.result is not None else self.hosts.list_hosts(self.organization, self.pool)
        if any(ref in host.running or ref in host.handed for host in hosts):
            self.work_notification.ring(self.organization, self.pool)

    def list_owned(self) -> Sequence[Machine]:
        offered = {offer.runner_id for offer in self.hosts.list_offers(self.organization, self.pool, limit=1000)}
        on_hosts: set[str] = set()
        for host in self.hosts.list_hosts(self.organization, self.pool):
            on_hosts |= host.running | host.handed
        return [
            Machine(
                ref=ref,
                runner_id=ref,
                condition=MachineCondition.RUNNING if ref in on_hosts else MachineCondition.STARTING,
            )
            for ref in sorted(offered | on_hosts)
        ]

    def probe(self) -> Sequence[Check]:
        """Returns no checks: a pool without hosts is valid, since they may still join."""
        return ()

    def console(self, ref: str) -> str | None:
        return None
