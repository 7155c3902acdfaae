"""Ends machines that are not wanted any more, as found in the infrastructure's own inventory.

They are marked, checked again, and ended. Errors in the table and lost messages do not matter here: all that exists is
checked.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from cadence.application.placement.budgets import Budgets
from cadence.application.placement.ports import PoolRecords, RunnersById, SweepResult
from cadence.application.shared.ports import Clock, PoolStore
from cadence.application.shared.runner_ports import RunnerStore
from cadence.domain.placement.pool_policy import warm_now
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.shared.errors import CadenceError, Conflict
from cadence.providers.contract import Machine, MachineCondition, Provider, Warming
from cadence.providers.lifecycle import Providers, held

# The call that made a machine has ended by then: a Lambda's longest time, and some.
START_TAKES = timedelta(minutes=3)
# The treatment's state machine has released a runner by then, if it does so itself.
RELEASE_TAKES = timedelta(minutes=5)
# Inventories lag, and a table may be read just before it changes: no machine is ended at first sight.
LOOK_AGAIN = timedelta(minutes=1)
# The prefix of marks of listed runners, beside those of machines: no reference of a machine begins so.
_LISTED = "listed:"

_log = logging.getLogger("cadence.sweep")


@dataclass(frozen=True)
class Swept:
    """The references of all machines, and of those that were marked, that were ended, that could not be ended."""

    seen: tuple[str, ...] = ()
    marked: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Sweeps the machines of one provider's pools."""

    providers: Providers
    runners: RunnersById
    records: PoolRecords
    clock: Clock
    pools: PoolStore | None = None
    release: Callable[[str], None] | None = None
    budgets: Budgets | None = None
    store: RunnerStore | None = None

    def sweep(self, organization: str, pool: str) -> Swept:
        """Sweeps a pool. Safe to repeat and to interrupt. Raises the errors of the inventory."""
        provider = self.providers(organization, pool)
        listed = self.records.active(organization, pool)
        machines = provider.list_owned()
        known = self.runners({*listed, *(machine.runner_id for machine in machines if machine.runner_id)})
        marks = dict(self.records.marks(organization, pool))
        marked, ended, refused = [], [], []
        for machine in machines:
            self._note_offer(machine, known.get(machine.runner_id), pool)
            reason = orphaned(machine, known.get(machine.runner_id), pool, self.clock())
            since = marks.pop(machine.ref, None)
            if reason is None:
                if since is not None:
                    self.records.unmark(organization, pool, machine.ref)
            elif since is None:
                self.records.mark(organization, pool, machine.ref, self.clock())
                marked.append(machine.ref)
            elif self.clock() >= since + LOOK_AGAIN:
                try:
                    if self._still_orphaned(provider, machine, pool):
                        self._end(provider, machine, known.get(machine.runner_id), organization, pool)
                        _log.info("ended %s of pool %s: %s", machine.ref, pool, reason)
                        ended.append(machine.ref)
                except CadenceError as error:  # the others are checked nevertheless, and this one again
                    _log.warning("orphan %s of pool %s cannot be ended: %s", machine.ref, pool, error.message)
                    refused.append(machine.ref)
        present = {machine.runner_id for machine in machines}
        for runner_id in (listed_id for listed_id in listed if listed_id not in present):
            since = marks.pop(_LISTED + runner_id, None)
            self._strike_off(organization, pool, runner_id, known.get(runner_id), since)
        for gone in marks:
            self.records.unmark(organization, pool, gone)
        self.records.note_sweep(organization, pool, SweepResult(self.clock(), len(machines), len(ended)))
        self._keep_warm(provider, organization, pool, machines)
        references = tuple(machine.ref for machine in machines)
        return Swept(references, tuple(marked), tuple(ended), tuple(refused))

    def _strike_off(
        self, organization: str, pool: str, runner_id: str, known: Runner | None, since: datetime | None
    ) -> None:
        """Removes a listed runner without a machine, if it is not wanted any more, and releases its budget.

        The call that had to remove it was interrupted, or a launch was repeated.
        """
        if not left(known, pool, self.clock()):
            if since is not None:
                self.records.unmark(organization, pool, _LISTED + runner_id)
            return
        if since is None:
            self.records.mark(organization, pool, _LISTED + runner_id, self.clock())
            return
        runner = self.runners([runner_id]).get(runner_id)
        if self.clock() >= since + LOOK_AGAIN and left(runner, pool, self.clock()):
            self._note_ended(organization, pool, runner_id, runner)
            self.records.unmark(organization, pool, _LISTED + runner_id)

    def _note_ended(self, organization: str, pool: str, runner_id: str, runner: Runner | None) -> None:
        if self.budgets and runner is not None and runner.pool != pool:
            self.budgets.cancel(organization, pool, runner_id)  # it may return, and then has to reserve its cost again
        elif self.budgets:
            self.budgets.settle(organization, pool, runner_id)
        self.records.note_ended(organization, pool, runner_id)

    def _end(self, provider: Provider, machine: Machine, runner: Runner | None, organization: str, pool: str) -> None:
        """Ends a machine, with all that is kept of its runner in this pool."""
        if self.release and runner is not None and (runner.pool, runner.ref) == (pool, machine.ref):
            self.release(runner.runner_id)
            return
        provider.stop(machine.ref)
        if machine.runner_id:
            self._note_ended(organization, pool, machine.runner_id, runner)

    def _note_offer(self, machine: Machine, runner: Runner | None, pool: str) -> None:
        """Stores what a runner's machine was bought as, and its price, from the inventory."""
        if self.store is None or runner is None or (runner.pool, runner.ref) != (pool, machine.ref):
            return
        price = runner.per_hour if machine.price_per_hour is None else machine.price_per_hour
        if machine.offer is not None and (machine.offer, price) != (runner.offer, runner.per_hour):
            with suppress(Conflict):  # it has moved to another pool
                self.store.move_runner(runner, RunnerState, offer=machine.offer, per_hour=price)

    def _keep_warm(self, provider: Provider, organization: str, pool: str, machines: Sequence[Machine]) -> None:
        """Keeps machines warm; also if none is to wait any more, while one still does."""
        windows = self.pools.get_pool(organization, pool).policy.warm if self.pools else ()
        if not isinstance(provider, Warming) or not (windows or any(not machine.runner_id for machine in machines)):
            return
        try:
            provider.keep_warm(*warm_now(windows, self.clock()))
        except CadenceError as error:  # tried again at the next sweep
            _log.warning("pool %s cannot keep machines waiting: %s", pool, error.message)

    def _still_orphaned(self, provider: Provider, machine: Machine, pool: str) -> bool:
        """Checks again at the last moment.

        A machine without a runner may have got one that the inventory does not show yet.
        """
        if not machine.runner_id:
            machine = provider.describe(machine.ref)
        known = self.runners([machine.runner_id]) if machine.runner_id else {}
        return orphaned(machine, known.get(machine.runner_id), pool, self.clock()) is not None


def orphaned(machine: Machine, runner: Runner | None, pool: str, now: datetime) -> str | None:
    """Returns why a machine is not wanted any more; None while it may be.

    A machine whose runner lives in this pool is never orphaned: which of two machines made for a runner called home,
    only that machine knows.
    """
    if machine.condition in {MachineCondition.STOPPING, MachineCondition.GONE}:
        return None
    if runner is not None and runner.pool == pool and _is_wanted(runner, now):
        return None
    if machine.expires_at is not None and now >= machine.expires_at:
        return f"its time ended at {machine.expires_at:%Y-%m-%d %H:%M} UTC"
    if not machine.runner_id:
        return None  # made in advance: it has no runner until it is used, or its time ends
    born = machine.created_at or (runner.created_at if runner else None)
    if born is None or now < born + START_TAKES:
        return None  # without a time of its own and a runner, it is left to its expiry
    if runner is None:
        return f"there is no record of runner {machine.runner_id}"
    if runner.pool != pool:
        return f"runner {runner.runner_id} went on in pool {runner.pool}"
    return f"runner {runner.runner_id} is {runner.state}"


def left(runner: Runner | None, pool: str, now: datetime) -> bool:
    """Returns whether a runner without a machine needs none in this pool any more."""
    return runner is None or runner.pool != pool or not _is_wanted(runner, now)


def _is_wanted(runner: Runner, now: datetime) -> bool:
    if runner.state.live:
        return True
    if held(runner, now):
        return True
    # It may be about to end: its treatment's state machine releases it.
    last = max(moment for moment in (runner.lease_until, runner.claimed_at, runner.created_at) if moment)
    return runner.state is RunnerState.COMPLETED and now < last + RELEASE_TAKES
