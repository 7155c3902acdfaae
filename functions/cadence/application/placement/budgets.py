"""A pool's budget of a month is never exceeded: what a runner may cost at most is set aside before it is started, what it did not cost is given back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from cadence.application.shared.ports import Clock, PoolStore
from cadence.domain.placement.pool import Pool
from cadence.domain.placement.pool_policy import month, most_per_hour
from cadence.domain.shared.errors import CapacityExhausted

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Charge:
    """What was set aside for a runner, in the month in which it began."""

    runner_id: str
    month: str
    per_hour: float
    reserved: float
    began: datetime


class Ledger(Protocol):
    """What pools have spent (table `runners`).

    Whoever has something set aside is listed as active in its pool (`ActiveRunners`), in the same step and until it is given
    back: whatever call is cut short, the sweeper finds it there.
    """

    def reserve(self, organization: str, pool: str, charge: Charge, limit: float) -> bool:
        """Sets `charge.reserved` aside, once for each runner, unless more than `limit` would be spent in its month: then False."""

    def settle(self, organization: str, pool: str, runner_id: str, now: datetime) -> None:
        """Once: what the runner has cost until now counts, the rest of what was set aside does not. Nothing set aside is no error."""

    def cancel(self, organization: str, pool: str, runner_id: str) -> None:
        """Nothing was started: what was set aside is given back, and may be set aside again."""

    def spent(self, organization: str, pool: str, month: str) -> float:
        """With what is set aside."""


@dataclass(frozen=True)
class Budgets:
    pools: PoolStore
    ledger: Ledger
    clock: Clock

    def reserve(self, organization: str, pool_name: str, runner_id: str, longest: timedelta) -> None:
        """Raises CapacityExhausted if the runner could cost more than is left of the pool's budget. Where there is none, nothing is written."""
        pool = self.pools.get_pool(organization, pool_name)
        per_hour = _per_hour(pool)
        if pool.policy.budget is None or per_hour is None:
            return
        now, limit = self.clock(), pool.policy.budget.per_month
        charge = Charge(
            runner_id=runner_id, month=month(now), per_hour=per_hour, reserved=per_hour * (longest / _HOUR), began=now
        )
        if not self.ledger.reserve(organization, pool_name, charge, limit):
            left = limit - self.ledger.spent(organization, pool_name, charge.month)
            raise CapacityExhausted(
                f"the budget of pool {pool_name} for {charge.month} is used up: {left:.2f} of {limit:.2f} are left, and the runner "
                f"could cost {charge.reserved:.2f}"
            )

    def settle(self, organization: str, pool_name: str, runner_id: str) -> None:
        """Safe to repeat."""
        if self.pools.get_pool(organization, pool_name).policy.budget is not None:
            self.ledger.settle(organization, pool_name, runner_id, self.clock())

    def cancel(self, organization: str, pool_name: str, runner_id: str) -> None:
        """Safe to repeat."""
        if self.pools.get_pool(organization, pool_name).policy.budget is not None:
            self.ledger.cancel(organization, pool_name, runner_id)


def cost(charge: Charge, now: datetime) -> float:
    """So far: never more than was set aside."""
    return min(charge.reserved, charge.per_hour * max(0.0, (now - charge.began) / _HOUR))


def _per_hour(pool: Pool) -> float | None:
    return most_per_hour(pool.policy, pool.price.per_hour if pool.price else None)
