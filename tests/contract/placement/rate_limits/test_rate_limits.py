"""What every `RateLimits` holds to."""

from datetime import UTC, datetime, timedelta

import pytest

from cadence.application.placement.pacing import RateLimiter, RateLimits
from cadence.domain.placement.pacing import LONGEST_WAIT, LimitedApi, RateLimit
from cadence.domain.shared.errors import Transient

NOW = datetime(2030, 1, 1, tzinfo=UTC)
API = LimitedApi("123", "eu-west-1", "RunInstances", RateLimit(per_second=2, burst=5))


def test_a_burst_goes_through_and_the_rest_gets_its_place(rate_limits: RateLimits) -> None:
    waits = [rate_limits.reserve(API, 1, NOW) for _ in range(8)]
    assert [wait.total_seconds() for wait in waits if wait is not None] == [0, 0, 0, 0, 0, 0.5, 1, 1.5]


def test_what_was_not_used_comes_back_but_no_more_than_the_burst(rate_limits: RateLimits) -> None:
    for _ in range(6):
        rate_limits.reserve(API, 1, NOW)
    assert rate_limits.reserve(API, 1, NOW + timedelta(seconds=1)) == timedelta()
    later = NOW + timedelta(hours=1)
    waits = [rate_limits.reserve(API, 1, later) for _ in range(6)]
    assert [wait.total_seconds() for wait in waits if wait is not None] == [0, 0, 0, 0, 0, 0.5]


def test_several_calls_are_reserved_together(rate_limits: RateLimits) -> None:
    assert rate_limits.reserve(API, 5, NOW) == timedelta()
    assert rate_limits.reserve(API, 4, NOW) == timedelta(seconds=2)


def test_accounts_regions_and_apis_have_buckets_of_their_own(rate_limits: RateLimits) -> None:
    assert rate_limits.reserve(API, 5, NOW) == timedelta()
    for other in (
        LimitedApi("124", "eu-west-1", "RunInstances", API.pace),
        LimitedApi("123", "eu-west-3", "RunInstances", API.pace),
    ):
        assert rate_limits.reserve(other, 5, NOW) == timedelta()


def test_nobody_is_given_a_place_too_far_away(rate_limits: RateLimits) -> None:
    places = 0
    while rate_limits.reserve(API, 100, NOW) is not None:
        places += 100
    assert places <= 5 + 2 * LONGEST_WAIT.total_seconds() + 200
    assert rate_limits.reserve(API, 1, NOW + LONGEST_WAIT) is not None


def test_an_api_that_says_it_is_asked_too_much_is_left_alone_by_all(rate_limits: RateLimits) -> None:
    rate_limits.slow_down(API, timedelta(seconds=30), NOW)
    rate_limits.slow_down(API, timedelta(seconds=3), NOW)  # the longer pause counts
    assert rate_limits.reserve(API, 1, NOW) == timedelta(seconds=30.5)


def test_a_call_waits_a_moment_or_comes_again(rate_limits: RateLimits) -> None:
    slept: list[float] = []
    rate_limiter = RateLimiter(rate_limits, lambda: NOW, slept.append)
    for _ in range(7):
        rate_limiter.call(API)
    assert slept == [0.5, 1.0]
    with pytest.raises(Transient, match="RunInstances of eu-west-1 is called as often as it may be") as refused:
        rate_limiter.call(API)
    assert refused.value.retry_after == 1.5
