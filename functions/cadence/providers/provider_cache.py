"""One provider for each pool, kept while neither the pool nor its credentials change."""

import time
from collections.abc import Callable

from cadence.application.placement.ports import PoolCredentials
from cadence.application.shared.ports import PoolStore
from cadence.domain.placement.pool import Pool
from cadence.domain.shared.errors import ProviderRejected
from cadence.providers.contract import Build, Provider, ProviderContext

# New credentials are used after this long at the latest.
SECONDS = 30.0


class CachedProviders:
    """Implements `Providers`."""

    def __init__(
        self,
        name: str,
        pools: PoolStore,
        credentials: PoolCredentials,
        build: Build,
        surroundings: ProviderContext,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._pools = pools
        self._credentials = credentials
        self._build = build
        self._surroundings = surroundings
        self._clock = clock
        self._known: dict[tuple[str, str], tuple[float, Pool, Provider]] = {}

    def get(self, organization: str, name: str) -> Provider:
        """Returns the pool's provider.

        Raises NotFound, and ProviderRejected if the pool has another provider by now.
        """
        pool = self._pools.get_pool(organization, name)
        known = self._known.get((organization, name))
        if known is not None and self._clock() < known[0] and known[1] == pool:
            return known[2]
        if pool.provider != self._name:
            raise ProviderRejected(f"Pool {name} gets its runners from {pool.provider} by now, not from {self._name}.")
        provider = self._build(pool, self._credentials.get(pool), self._surroundings)
        self._known[organization, name] = (self._clock() + SECONDS, pool, provider)
        return provider
