"""The policy of a pool's owner: what it may buy and for how much, where it is, what it keeps ready."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, time
from zoneinfo import ZoneInfo

from cadence.domain.values.value_retention import ValuePolicy

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, kw_only=True)
class InstanceOffer:
    """One kind of machine that a pool may buy: millicores and MB.

    `per_hour` is in the currency of the pool's price. A `spot` machine may be taken away at any time.
    """

    name: str
    cpu: int
    memory: int
    storage: int | None = None
    arch: str = "amd64"
    per_hour: float | None = None
    spot: bool = False

    @property
    def label(self) -> str:
        """The label under which refusals of it are recorded."""
        return f"{self.name} spot" if self.spot else self.name

    def holds(self, cpu: int | None, memory: int | None, storage: int | None, arch: str | None) -> bool:
        """Returns whether it has the requested size and architecture; None is no requirement."""
        return (
            (cpu is None or cpu <= self.cpu)
            and (memory is None or memory <= self.memory)
            and (storage is None or self.storage is None or storage <= self.storage)
            and (arch is None or arch == self.arch)
        )


@dataclass(frozen=True)
class Budget:
    """The limit on what a pool's runners cost in a calendar month (UTC), in the currency of its price.

    No runner is started that could exceed it.
    """

    per_month: float


@dataclass(frozen=True, kw_only=True)
class WarmWindow:
    """The number of machines that wait, `ready` or `stopped`.

    It applies on some days (`mon`…`sun`) between two times of a time zone.
    """

    days: tuple[str, ...] = DAYS
    start: str = "00:00"
    end: str = "24:00"
    timezone: str = "UTC"
    ready: int = 0
    stopped: int = 0

    def covers(self, now: datetime) -> bool:
        """Returns whether `now` is within the window."""
        local = now.astimezone(ZoneInfo(self.timezone))
        return DAYS[local.weekday()] in self.days and self.start <= f"{local:%H:%M}" < self.end


def warm_now(windows: Iterable[WarmWindow], now: datetime) -> tuple[int, int]:
    """Returns how many ready and stopped machines should wait now: where windows overlap, the larger number."""
    covering = [window for window in windows if window.covers(now)]
    return max((window.ready for window in covering), default=0), max(
        (window.stopped for window in covering), default=0
    )


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The policy of a pool. `region` is the infrastructure's own name of it, `max_duration` is in seconds.

    `residency` names the jurisdiction of its data (`eu`, `ch`…).
    """

    region: str | None = None
    residency: str | None = None
    offers: tuple[InstanceOffer, ...] = ()
    labels: tuple[str, ...] = ()
    warm: tuple[WarmWindow, ...] = ()
    max_duration: int | None = None
    budget: Budget | None = None
    values: ValuePolicy = field(default_factory=ValuePolicy)

    def fitting(
        self, cpu: int | None, memory: int | None, storage: int | None, arch: str | None
    ) -> list[InstanceOffer]:
        """Returns the offers that have what is requested, the cheapest first.

        Those without a price are last, in the owner's order.
        """
        offers = [offer for offer in self.offers if offer.holds(cpu, memory, storage, arch)]
        return sorted(offers, key=lambda offer: (offer.per_hour is None, offer.per_hour or 0.0))


def most_per_hour(policy: Policy, price: float | None) -> float | None:
    """Returns what an hour of any of its machines costs at most; None if no price is known."""
    prices = [offer.per_hour for offer in policy.offers if offer.per_hour is not None]
    return max(prices) if prices else price


def month(now: datetime) -> str:
    """Returns the calendar month of a budget, as `2024-01`."""
    return f"{now:%Y-%m}"


def is_time(text: str) -> bool:
    """Returns whether the text is a time of day that a window may begin or end at."""
    if text == "24:00":
        return True
    try:
        return len(text) == 5 and time.fromisoformat(text).second == 0
    except ValueError:
        return False
