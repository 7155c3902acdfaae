"""The amounts that the end of a run or a treatment adds to the counts of its project.

A **series** is what is counted together: the runs of a pipeline, or the treatments of one name in one pool. Its counts
are named amounts (`state.failed`, `boot.3`, `cost.USD`), of which only those are kept that are not zero.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cadence.domain.metrics import catalog
from cadence.domain.metrics.model import Family
from cadence.domain.placement.pool import Price

OTHER = "_other"
"""Replaces the name of a treatment or pipeline once a project has as many series as are kept apart."""

# Fields of a series that hold a histogram, with the family that it is exposed as.
DISTRIBUTIONS: Mapping[str, Family] = {
    "run_duration": catalog.RUN_DURATION,
    "run_queue": catalog.RUN_QUEUE,
    "duration": catalog.TREATMENT_DURATION,
    "queue": catalog.QUEUE,
    "boot": catalog.BOOT,
    "memory": catalog.MEMORY,
}
TOTALS: Mapping[str, Family] = {
    "attempts": catalog.ATTEMPTS,
    "runner_seconds": catalog.RUNNER_TIME,
    "cpu_seconds": catalog.CPU,
    "read_bytes": catalog.READ,
    "written_bytes": catalog.WRITTEN,
}


@dataclass(frozen=True, kw_only=True)
class CounterKey:
    """The key of a series.

    `treatment` is None for the runs of a pipeline; `pool` and `provider` are empty where there was no runner.
    """

    organization: str
    project: str
    pipeline: str
    treatment: str | None = None
    pool: str = ""
    provider: str = ""


@dataclass(frozen=True)
class CounterSeries:
    """A series with its counts by name."""

    key: CounterKey
    counts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RunEnd:
    """The end of a run. Times are UTC; `started_at` is None for a run that never began."""

    organization: str
    project: str
    pipeline: str
    state: str
    created_at: datetime
    finished_at: datetime
    started_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One runner of a treatment, from its request (`asked_at`) or, if known, the beginning of its infrastructure."""

    pool: str
    provider: str
    asked_at: datetime
    finished_at: datetime
    booting_at: datetime | None = None
    claimed_at: datetime | None = None
    price: Price | None = None

    @property
    def seconds(self) -> float:
        """Seconds that the runner was held."""
        return _between(self.booting_at or self.asked_at, self.finished_at)

    @property
    def cost(self) -> float:
        """The cost of the runner in the currency of its price; 0 without a price."""
        return self.seconds * self.price.per_hour / 3600 if self.price else 0.0


@dataclass(frozen=True, kw_only=True)
class TreatmentEnd:
    """The end of a treatment, with all its attempts in order. `usage` is the last one's: cpu_ms, bytes."""

    organization: str
    project: str
    pipeline: str
    treatment: str
    state: str
    ready_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    usage: Mapping[str, float] = field(default_factory=dict)
    attempts: Sequence[Attempt] = ()


def count_run(end: RunEnd) -> Mapping[CounterKey, Mapping[str, float]]:
    """Returns the amounts that a run's end adds, by series."""
    counts: dict[str, float] = {f"state.{end.state}": 1}
    if end.started_at:
        _observe(counts, "run_duration", _between(end.started_at, end.finished_at))
        _observe(counts, "run_queue", _between(end.created_at, end.started_at))
    return {CounterKey(organization=end.organization, project=end.project, pipeline=end.pipeline): counts}


def count_treatment(end: TreatmentEnd) -> Mapping[CounterKey, Mapping[str, float]]:
    """Returns the amounts that a treatment's end adds, by series.

    The end is counted with the last attempt's pool, each attempt's time and cost with its own.
    """
    series: dict[CounterKey, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    last = end.attempts[-1] if end.attempts else None
    final = series[_key(end, last)]
    final[f"state.{end.state}"] = 1
    if end.started_at and end.finished_at:
        _observe(final, "duration", _between(end.started_at, end.finished_at))
    if end.attempts and end.ready_at:
        first = end.attempts[0]
        _observe(series[_key(end, first)], "queue", _between(end.ready_at, first.booting_at or first.asked_at))
    for attempt in end.attempts:
        counts = series[_key(end, attempt)]
        counts["attempts"] += 1
        counts["runner_seconds"] += round(attempt.seconds, 3)
        if attempt.claimed_at:
            _observe(counts, "boot", _between(attempt.booting_at or attempt.asked_at, attempt.claimed_at))
        if attempt.price:
            counts[f"cost.{attempt.price.currency}"] += round(attempt.cost, 9)
    if end.usage:
        final["cpu_seconds"] += end.usage.get("cpu_ms", 0) / 1000
        final["read_bytes"] += end.usage.get("read_bytes", 0)
        final["written_bytes"] += end.usage.get("write_bytes", 0)
        if end.usage.get("memory_peak"):
            _observe(final, "memory", end.usage["memory_peak"])
    return {key: {name: amount for name, amount in counts.items() if amount} for key, counts in series.items()}


def only_what_it_took(
    counts: Mapping[CounterKey, Mapping[str, float]],
) -> Mapping[CounterKey, Mapping[str, float]]:
    """Returns only the time of runners and its cost, without outcomes and durations."""
    costs = {
        key: {name: amount for name, amount in amounts.items() if name in TOTALS or name.startswith("cost.")}
        for key, amounts in counts.items()
    }
    return {key: amounts for key, amounts in costs.items() if amounts}


def group_name(treatment: str) -> str:
    """Returns the name that a treatment is counted under.

    The instances of a matrix or an `each` are counted together; otherwise there would be a series for each element.
    """
    return treatment.partition(":")[0]


def _key(end: TreatmentEnd, attempt: Attempt | None) -> CounterKey:
    pool, provider = (attempt.pool, attempt.provider) if attempt else ("", "")
    return CounterKey(
        organization=end.organization,
        project=end.project,
        pipeline=end.pipeline,
        treatment=group_name(end.treatment),
        pool=pool,
        provider=provider,
    )


def _observe(counts: dict[str, float], name: str, value: float) -> None:
    bucket = f"{name}.{DISTRIBUTIONS[name].bucket_of(value)}"
    counts[bucket] = counts.get(bucket, 0) + 1
    counts[f"{name}.sum"] = counts.get(f"{name}.sum", 0) + round(value, 3)


def _between(start: datetime, end: datetime) -> float:
    """Returns the seconds between two times; never negative, since the times may come from two clocks."""
    return max(0.0, (end - start).total_seconds())
