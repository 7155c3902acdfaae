"""Sweeps the machines of pools: of those with machines or active runners at every look, of the others every hour."""

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
    """Asks the providers' Lambdas to sweep the pools that are due."""

    pools: Callable[[], Sequence[SweptPool]]
    records: PoolRecords
    calls: ProviderCalls
    clock: Clock

    def sweep(self) -> int:
        """Returns how many pools are swept now, each by its provider's Lambda, which is not waited for.

        Raises, after all pools, the first error with which a pool's sweep could not be requested.
        """
        requested = 0
        failures: list[Exception] = []
        for pool in self.pools():
            try:
                if self._due(pool):
                    self.calls.ask("sweep", pool.organization, pool.pool, pool.provider)
                    requested += 1
            except Exception as error:  # noqa: BLE001 - the other pools are swept all the same
                _log.warning("pool %s of %s cannot be swept: %s", pool.pool, pool.organization, type(error).__name__)
                failures.append(error)
        if failures:
            raise failures[0]
        return requested

    def _due(self, pool: SweptPool) -> bool:
        last = self.records.sweep(pool.organization, pool.pool)
        if last is None or last.seen or self.clock() >= last.at + IDLE:
            return True
        return bool(self.records.active(pool.organization, pool.pool))
