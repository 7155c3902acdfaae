"""Ports of the counters that metrics are made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cadence.domain.metrics.counting import CounterKey, CounterSeries

Event = Mapping[str, Any]
"""An event that `observe` sends, of the schema `schemas/events/1.json`."""


@dataclass(frozen=True)
class Counted:
    """The counts that an event adds, and its `cost`, stored for its run by treatment; a repeated event adds nothing."""

    event_id: str
    counts: Mapping[CounterKey, Mapping[str, float]]
    cost: "TreatmentCost | None" = None


@dataclass(frozen=True, kw_only=True)
class TreatmentCost:
    """The cost of a treatment's runners, all attempts together; `per_hour` is the last one's price."""

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
    """Stores counts by organization and project (table `telemetry`)."""

    def add(self, counted: Sequence[Counted]) -> None:
        """Adds counts, each in effect exactly once. Raises Transient if other calls keep changing the same counts."""

    def read(self, organization: str, project: str) -> Sequence[CounterSeries]:
        """Returns all series of a project, never many more than `MOST_SERIES`."""

    def costs(self, run_id: str) -> Sequence[TreatmentCost]: ...
