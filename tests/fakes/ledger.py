"""`Ledger` in memory."""

from dataclasses import dataclass, field
from datetime import datetime

from cadence.application.budgets import Charge, cost


@dataclass
class MemoryLedger:
    charges: dict[tuple[str, str, str], Charge] = field(default_factory=dict)
    settled: dict[tuple[str, str, str], float] = field(default_factory=dict)

    def reserve(self, organization: str, pool: str, charge: Charge, limit: float) -> bool:
        key = (organization, pool, charge.runner_id)
        if key in self.charges:
            return True
        if round(self.spent(organization, pool, charge.month) + charge.reserved - limit, 6) > 0:
            return False
        self.charges[key] = charge
        return True

    def settle(self, organization: str, pool: str, runner_id: str, now: datetime) -> None:
        key = (organization, pool, runner_id)
        if key in self.charges and key not in self.settled:
            self.settled[key] = cost(self.charges[key], now)

    def cancel(self, organization: str, pool: str, runner_id: str) -> None:
        if (organization, pool, runner_id) not in self.settled:
            self.charges.pop((organization, pool, runner_id), None)

    def spent(self, organization: str, pool: str, month: str) -> float:
        return sum(
            self.settled.get(key, charge.reserved)
            for key, charge in self.charges.items()
            if key[:2] == (organization, pool) and charge.month == month
        )
