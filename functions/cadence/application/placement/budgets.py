"""Keeps each pool within its monthly budget.

What a runner may cost at most is set aside before it is started; what it did not cost is given back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from cadence.application.shared.ports import Clock, PoolStore
from cadence.domain.placement.pool import HOST, Pool
from cadence.domain.placement.pool_policy import month, most_per_hour
from cadence.domain.shared.errors import CapacityExhausted

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Charge:
    """The amount that was set aside for a runner, in the month (`YYYY-MM`) in which it began."""

    runner_id: str
    month: str
    per_hour: float
    reserved: float
    began: datetime


class Ledger(Protocol):
    """The spending of pools (table `runners`).

    A runner with an amount set aside is listed as active in its pool (`ActiveRunners`), in the same step and until the
    amount is given back: if any call is cut short, the sweeper finds the runner there.
    """

    def reserve(self, organization: str, pool: str, charge: Charge, limit: float) -> bool:
        """Sets `charge.reserved` aside, once for each runner.

        Returns False, and changes nothing, if more than `limit` would be spent in its month.
        """

    def settle(self, organization: str, pool: str, runner_id: str, now: datetime) -> None:
        """Counts, once, what the runner has cost until `now`, and gives back the rest of what was set aside.

        A runner without an amount set aside is no error.
        """

    def cancel(self, organization: str, pool: str, runner_id: str) -> None:
        """Gives back what was set aside for a runner that was not started; it may be set aside again."""

    def spent(self, organization: str, pool: str, month: str) -> float:
        """Returns what the pool has spent in a month (`YYYY-MM`), including what is set aside."""

    def set_aside(self, organization: str, pool: str, month: str, runner_ids: Sequence[str]) -> float:
        """Returns what is set aside, of the budget of a month, for those of the runners that are not settled."""


@dataclass(frozen=True, kw_only=True)
class Spending:
    """What a pool has spent of its budget in a month (`YYYY-MM`), and what is set aside for active runners."""

    month: str
    per_month: float
    spent: float
    set_aside: float


def spending(ledger: Ledger, pool: Pool, active: Sequence[str], now: datetime) -> Spending | None:
    """Returns the spending of a pool whose active runners have the ids `active`; None for a pool without a budget.

    Runners on hosts are not charged.
    """
    if pool.policy.budget is None or pool.provider == HOST:
        return None
    of_month = month(now)
    set_aside = ledger.set_aside(pool.organization, pool.name, of_month, active)
    both = ledger.spent(pool.organization, pool.name, of_month)
    return Spending(
        month=of_month,
        per_month=pool.policy.budget.per_month,
        spent=max(0.0, both - set_aside),
        set_aside=min(both, set_aside),
    )


@dataclass(frozen=True)
class Budgets:
    """Reserves and settles the costs of runners against their pools' budgets."""

    pools: PoolStore
    ledger: Ledger
    clock: Clock

    def reserve(self, organization: str, pool_name: str, runner_id: str, longest: timedelta) -> None:
        """Sets aside what the runner may cost within `longest`; a pool without a budget needs nothing.

        Raises CapacityExhausted if the runner could cost more than remains of the pool's budget.
        """
        pool = self.pools.get_pool(organization, pool_name)
        per_hour = _per_hour(pool)
        if pool.policy.budget is None or per_hour is None:
            return
        now, limit = self.clock(), pool.policy.budget.per_month
        charge = Charge(
            runner_id=runner_id, month=month(now), per_hour=per_hour, reserved=per_hour * (longest / _HOUR), began=now
        )
        if not self.ledger.reserve(organization, pool_name, charge, limit):
            remaining = limit - self.ledger.spent(organization, pool_name, charge.month)
            raise CapacityExhausted(
                f"the budget of pool {pool_name} for {charge.month} is used up: {remaining:.2f} of {limit:.2f} are left, and the runner "
                f"could cost {charge.reserved:.2f}"
            )

    def settle(self, organization: str, pool_name: str, runner_id: str) -> None:
        """Counts what the runner has cost and gives back the rest. Safe to repeat."""
        if self.pools.get_pool(organization, pool_name).policy.budget is not None:
            self.ledger.settle(organization, pool_name, runner_id, self.clock())

    def cancel(self, organization: str, pool_name: str, runner_id: str) -> None:
        """Gives back what was set aside for a runner that was not started. Safe to repeat."""
        if self.pools.get_pool(organization, pool_name).policy.budget is not None:
            self.ledger.cancel(organization, pool_name, runner_id)


def cost(charge: Charge, now: datetime) -> float:
    """Returns what the runner has cost until `now`, never more than was set aside."""
    return min(charge.reserved, charge.per_hour * max(0.0, (now - charge.began) / _HOUR))


def _per_hour(pool: Pool) -> float | None:
    return most_per_hour(pool.policy, pool.price.per_hour if pool.price else None)
