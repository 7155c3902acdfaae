"""The pools whose machines have to be looked after now: those where something runs at every look, the others once in an hour."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from cadence.application.placement.ports import PoolRecords, ProviderCalls, SweptPool
from cadence.application.shared.ports import Clock

IDLE = timedelta(hours=1)

_log = logging.getLogger("cadence.sweep")


@dataclass(frozen=True)
class SweepPools:
    pools: Callable[[], Sequence[SweptPool]]
    records: PoolRecords
    calls: ProviderCalls
    clock: Clock

    def sweep(self) -> int:
        """How many pools are looked after now: each by its provider's Lambda, not waited for. Raises, at the end, what one of them could not be asked for."""
        asked = 0
        failures: list[Exception] = []
        for pool in self.pools():
            try:
                if self._due(pool):
                    self.calls.ask("sweep", pool.organization, pool.pool, pool.provider)
                    asked += 1
            except Exception as error:  # noqa: BLE001 - the other pools are looked after all the same
                _log.warning("pool %s of %s cannot be swept: %s", pool.pool, pool.organization, type(error).__name__)
                failures.append(error)
        if failures:
            raise failures[0]
        return asked

    def _due(self, pool: SweptPool) -> bool:
        last = self.records.sweep(pool.organization, pool.pool)
        if last is None or last.seen or self.clock() >= last.at + IDLE:
            return True
        return bool(self.records.active(pool.organization, pool.pool))
