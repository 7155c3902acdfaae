"""Computes the costs of runners."""

from datetime import datetime, timedelta

from cadence.domain.placement.pool import Price
from cadence.domain.runners.runner import Runner


def price_of(runner: Runner, pool_price: Price | None) -> Price | None:
    """Returns the runner's own price, or else that of its pool; None if neither is known."""
    if runner.per_hour is None:
        return pool_price
    return Price(runner.per_hour, runner.currency or Price(0).currency)


def since(runner: Runner) -> datetime:
    """Returns the time from which the runner costs."""
    return runner.booting_at or runner.created_at


def cost(runner: Runner, pool_price: Price | None, now: datetime) -> float | None:
    """Returns the cost until the runner's end, or until `now`; None if its price or its end is not known."""
    price = price_of(runner, pool_price)
    ended = runner.result.finished_at if runner.result else None
    if price is None or (ended is None and not runner.state.live):
        return None
    return price.per_hour * max(0.0, ((ended or now) - since(runner)) / timedelta(hours=1))
