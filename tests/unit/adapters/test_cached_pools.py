import dataclasses

import pytest

from cadence.adapters.caching.ttl_cached_pools import SECONDS, CachedPools
from cadence.domain.placement.pool import Pool
from cadence.domain.shared.errors import NotFound
from tests.fakes.services import MemoryPools

POOL = Pool(organization="acme", name="near", provider="host")


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_pool_is_asked_for_again_after_a_moment() -> None:
    time, stored = Time(), MemoryPools((POOL,))
    pools = CachedPools(stored, time)
    assert (pools.get_pool("acme", "near"), list(pools.list_pools("acme"))) == (POOL, [POOL])
    changed = dataclasses.replace(POOL, boot_deadline=7)
    stored.pools = (changed,)
    time.now = SECONDS / 2
    assert (pools.get_pool("acme", "near"), list(pools.list_pools("acme"))) == (POOL, [POOL])
    time.now = SECONDS
    assert (pools.get_pool("acme", "near"), list(pools.list_pools("acme"))) == (changed, [changed])


def test_what_is_not_there_is_asked_for_each_time() -> None:
    stored = MemoryPools()
    pools = CachedPools(stored, Time())
    assert list(pools.list_pools("acme")) == []
    with pytest.raises(NotFound):
        pools.get_pool("acme", "near")
    stored.pools = (POOL,)
    assert pools.get_pool("acme", "near") == POOL
    assert list(pools.list_pools("acme")) == [POOL]
