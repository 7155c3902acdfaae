"""The bucket's arithmetic, whatever is drawn."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence.domain.placement.pacing import LimitedApi, RateLimit
from tests.fakes.rate_limits import MemoryRateLimits

NOW = datetime(2030, 1, 1, tzinfo=UTC)


@given(
    st.floats(0.2, 50),
    st.integers(1, 40),
    st.lists(st.tuples(st.integers(0, 3_000), st.integers(1, 3)), min_size=1, max_size=200),
)
def test_no_window_ever_has_more_calls_than_the_pace_allows(
    per_second: float, burst: int, asked: list[tuple[int, int]]
) -> None:
    rate_limits, api = MemoryRateLimits(), LimitedApi("a", "r", "n", RateLimit(per_second, burst))
    now, made = NOW, []
    for pause, calls in asked:
        now += timedelta(milliseconds=pause)
        wait = rate_limits.reserve(api, calls, now)
        if wait is not None:
            made += [(now + wait, calls)]
    # What is reserved together is made together: it may exceed the burst by no more than itself.
    for first, (start, together) in enumerate(made):
        total = 0
        for moment, calls in made[first:]:
            total += calls
            assert total <= max(burst, together) + per_second * (moment - start).total_seconds() + 0.01
    # Nobody is served before somebody who asked earlier.
    assert [moment for moment, _ in made] == sorted(moment for moment, _ in made)


@given(st.floats(0.5, 20), st.integers(1, 10))
def test_no_token_is_lost(per_second: float, burst: int) -> None:
    """As many calls as come at once are made in the time that the pace takes for them."""
    rate_limits, api = MemoryRateLimits(), LimitedApi("a", "r", "n", RateLimit(per_second, burst))
    waits = [wait for wait in (rate_limits.reserve(api, 1, NOW) for _ in range(burst + 100)) if wait is not None]
    assert waits[-1].total_seconds() == pytest.approx((len(waits) - burst) / per_second, abs=0.001)


def test_a_pace_that_lets_nobody_call_is_refused() -> None:
    for per_second, burst in ((0, 1), (1, 0), (-1, 1)):
        with pytest.raises(ValueError, match="never allow a call"):
            RateLimit(per_second, burst)
