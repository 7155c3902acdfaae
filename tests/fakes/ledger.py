"""`Ledger` in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cadence.application.placement.budgets import Charge, cost
from tests.fakes.pool_records import MemoryPoolRecords


@dataclass
class MemoryLedger:
    records: MemoryPoolRecords = field(default_factory=MemoryPoolRecords)
    charges: dict[tuple[str, str, str], Charge] = field(default_factory=dict)
    settled: dict[tuple[str, str, str], float] = field(default_factory=dict)

    def reserve(self, organization: str, pool: str, charge: Charge, limit: float) -> bool:
        key = (organization, pool, charge.runner_id)
        if key in self.charges:
            return True
        if round(self.spent(organization, pool, charge.month) + charge.reserved - limit, 6) > 0:
            return False
        self.charges[key] = charge
        self.records.note_active(organization, pool, charge.runner_id, charge.began)
        self.records.charged.add(key)
        return True

    def settle(self, organization: str, pool: str, runner_id: str, now: datetime) -> None:
        key = (organization, pool, runner_id)
        if key in self.charges and key not in self.settled:
            self.settled[key] = cost(self.charges[key], now)
            self._given_back(key)

    def cancel(self, organization: str, pool: str, runner_id: str) -> None:
        key = (organization, pool, runner_id)
        if key in self.charges and key not in self.settled:
            del self.charges[key]
            self._given_back(key)

    def _given_back(self, key: tuple[str, str, str]) -> None:
        self.records.charged.discard(key)
        self.records.note_ended(*key)

    def spent(self, organization: str, pool: str, month: str) -> float:
        return sum(
            self.settled.get(key, charge.reserved)
            for key, charge in self.charges.items()
            if key[:2] == (organization, pool) and charge.month == month
        )

    def set_aside(self, organization: str, pool: str, month: str, runner_ids: Sequence[str]) -> float:
        keys = {(organization, pool, runner_id) for runner_id in runner_ids}
        return sum(
            charge.reserved
            for key, charge in self.charges.items()
            if key in keys and key not in self.settled and charge.month == month
        )
