"""Ports of the counters that metrics are made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cadence.domain.metrics.counting import CounterKey, CounterSeries

Event = Mapping[str, Any]
"""As `observe` sends it: `schemas/events/1.json`."""


@dataclass(frozen=True)
class Counted:
    """What an event adds; `costs` are kept for its run by treatment. An event that was counted before adds nothing."""

    event_id: str
    counts: Mapping[CounterKey, Mapping[str, float]]
    cost: "TreatmentCost | None" = None


@dataclass(frozen=True, kw_only=True)
class TreatmentCost:
    """What the runners of a treatment cost, all attempts together. `per_hour` is the last one's price."""

    run_id: str
    treatment: str
    pool: str
    provider: str
    attempts: int
    seconds: float
    per_hour: float
    currency: str
    amount: float


class Counters(Protocol):
    """Counts by organization and project (table `telemetry`)."""

    def add(self, counted: Sequence[Counted]) -> None:
        """In effect exactly once. Raises Transient if others change the same counts all the time."""

    def read(self, organization: str, project: str) -> Sequence[CounterSeries]:
        """All series of a project; there are never many more than `MOST_SERIES`."""

    def costs(self, run_id: str) -> Sequence[TreatmentCost]: ...
