"""What runners cost."""

from datetime import datetime, timedelta

from cadence.domain.placement.pool import Price
from cadence.domain.runners.runner import Runner


def price_of(runner: Runner, pool_price: Price | None) -> Price | None:
    """Its own, or what an hour of the pool costs that it is of; None if neither is known."""
    if runner.per_hour is None:
        return pool_price
    return Price(runner.per_hour, runner.currency or Price(0).currency)


def since(runner: Runner) -> datetime:
    """From when on it costs."""
    return runner.booting_at or runner.created_at


def cost(runner: Runner, pool_price: Price | None, now: datetime) -> float | None:
    """Until its end, or until `now`. None if no price is known, or nobody told when it ended."""
    price = price_of(runner, pool_price)
    ended = runner.result.finished_at if runner.result else None
    if price is None or (ended is None and not runner.state.live):
        return None
    return price.per_hour * max(0.0, ((ended or now) - since(runner)) / timedelta(hours=1))
