"""What a pool's owner has decided: what it may buy and for how much, where it is, what it keeps ready."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, time
from zoneinfo import ZoneInfo

from cadence.domain.values.value_retention import ValuePolicy

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, kw_only=True)
class InstanceOffer:
    """One kind of machine that a pool may buy: millicores, MB, and what an hour costs in the currency of the pool's price. `spot` may be taken away at any time."""

    name: str
    cpu: int
    memory: int
    storage: int | None = None
    arch: str = "amd64"
    per_hour: float | None = None
    spot: bool = False

    @property
    def label(self) -> str:
        return f"{self.name} spot" if self.spot else self.name

    def holds(self, cpu: int | None, memory: int | None, storage: int | None, arch: str | None) -> bool:
        """Whether it has what is asked for; `None` is no matter."""
        return (
            (cpu is None or cpu <= self.cpu)
            and (memory is None or memory <= self.memory)
            and (storage is None or self.storage is None or storage <= self.storage)
            and (arch is None or arch == self.arch)
        )


@dataclass(frozen=True)
class Budget:
    """What a pool's runners may cost in a calendar month (UTC), in the currency of its price. Nothing is started that could exceed it."""

    per_month: float


@dataclass(frozen=True, kw_only=True)
class WarmWindow:
    """How many machines wait, `ready` or `stopped`, on some days (`mon`…`sun`) between two times of a time zone."""

    days: tuple[str, ...] = DAYS
    start: str = "00:00"
    end: str = "24:00"
    timezone: str = "UTC"
    ready: int = 0
    stopped: int = 0

    def covers(self, now: datetime) -> bool:
        there = now.astimezone(ZoneInfo(self.timezone))
        return DAYS[there.weekday()] in self.days and self.start <= f"{there:%H:%M}" < self.end


def warm_now(windows: Iterable[WarmWindow], now: datetime) -> tuple[int, int]:
    """How many ready and stopped machines should wait now: where windows overlap, the larger number."""
    covering = [window for window in windows if window.covers(now)]
    return max((one.ready for one in covering), default=0), max((one.stopped for one in covering), default=0)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """`region` is the infrastructure's own name of it, `residency` where data may be said to be (`eu`, `ch`…), `max_duration` seconds."""

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
        """The offers that have what is asked for, the cheapest first; those without a price last, in the owner's order."""
        found = [offer for offer in self.offers if offer.holds(cpu, memory, storage, arch)]
        return sorted(found, key=lambda offer: (offer.per_hour is None, offer.per_hour or 0.0))


def most_per_hour(policy: Policy, price: float | None) -> float | None:
    """What an hour of any of its machines costs at most; None if nobody said."""
    prices = [offer.per_hour for offer in policy.offers if offer.per_hour is not None]
    return max(prices) if prices else price


def month(now: datetime) -> str:
    return f"{now:%Y-%m}"


def is_time(text: str) -> bool:
    """Whether it is a time of day that a window may begin or end at."""
    if text == "24:00":
        return True
    try:
        return len(text) == 5 and time.fromisoformat(text).second == 0
    except ValueError:
        return False
