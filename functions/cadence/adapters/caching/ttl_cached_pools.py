"""`PoolStore` that remembers what another one returned for a moment."""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from cadence.application.shared.ports import PoolStore
from cadence.domain.placement.pool import Pool

# One process places many treatments within this time; a changed pool may be used in its old form for as long.
SECONDS = 2.0

K = TypeVar("K")
T = TypeVar("T")


class CachedPools:
    def __init__(self, pools: PoolStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._pools = pools
        self._clock = clock
        self._one: dict[tuple[str, str], tuple[float, Pool]] = {}
        self._all: dict[str, tuple[float, Sequence[Pool]]] = {}

    def get_pool(self, organization: str, name: str) -> Pool:
        return self._recall(self._one, (organization, name), lambda: self._pools.get_pool(organization, name))

    def list_pools(self, organization: str) -> Sequence[Pool]:
        """Lists pools. An empty list is not remembered: the first pool of an organization is there at once."""
        pools = self._recall(self._all, organization, lambda: self._pools.list_pools(organization))
        if not pools:
            del self._all[organization]
        return pools

    def _recall(self, known: dict[K, tuple[float, T]], key: K, ask: Callable[[], T]) -> T:
        now = self._clock()
        entry = known.get(key)
        if entry is not None and now < entry[0]:
            return entry[1]
        answer = ask()
        known[key] = (now + SECONDS, answer)
        return answer
