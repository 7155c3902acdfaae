"""Whose a machine is that was made in advance."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

from cadence.application.placement.ports import Claims, MachineClaim

NOW = datetime(2030, 1, 1, tzinfo=UTC)
POOL = ("acme", "warm")


def test_a_machine_is_whose_was_first(claims: Claims) -> None:
    assert claims.claimed(*POOL) == {}
    assert claims.claim(*POOL, "i-1", "r-1", NOW)
    assert not claims.claim(*POOL, "i-1", "r-2", NOW)
    assert claims.claim(*POOL, "i-2", "r-2", NOW)
    assert claims.claimed(*POOL) == {"i-1": MachineClaim("r-1", NOW), "i-2": MachineClaim("r-2", NOW)}
    assert claims.claimed("acme", "elsewhere") == {}


def test_a_claim_that_is_repeated_stays(claims: Claims) -> None:
    later = NOW + timedelta(seconds=5)
    assert claims.claim(*POOL, "i-1", "r-1", NOW)
    assert claims.claim(*POOL, "i-1", "r-1", later)
    assert claims.claimed(*POOL) == {"i-1": MachineClaim("r-1", later)}


def test_what_is_forgotten_may_be_claimed(claims: Claims) -> None:
    claims.forget(*POOL, "i-1")
    claims.claim(*POOL, "i-1", "r-1", NOW)
    claims.forget(*POOL, "i-1")
    assert claims.claim(*POOL, "i-1", "r-2", NOW)


def test_of_many_who_claim_at_once_one_has_it(claims: Claims) -> None:
    ready = Barrier(12)

    def claim(number: int) -> bool:
        ready.wait()
        return claims.claim(*POOL, "i-1", f"r-{number}", NOW)

    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(claim, range(12))) == 1
