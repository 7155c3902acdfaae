"""What the end of a run or a treatment adds to the counts of its project.

A **series** is what is counted together: the runs of a pipeline, or the treatments of one name in one pool. Its counts are
named amounts (`state.failed`, `boot.3`, `cost.USD`), of which only those are kept that are not zero.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cadence.domain.metrics import catalog
from cadence.domain.metrics.model import Family
from cadence.domain.placement.pool import Price

OTHER = "_other"
"""In place of the name of a treatment or pipeline, once a project has as many series as are kept apart."""

# Fields of a series that hold a histogram, with what it is told as.
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
    """`treatment` is None for the runs of a pipeline; `pool` and `provider` are empty where there was no runner."""

    organization: str
    project: str
    pipeline: str
    treatment: str | None = None
    pool: str = ""
    provider: str = ""


@dataclass(frozen=True)
class CounterSeries:
    key: CounterKey
    counts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RunEnd:
    """A run that came to an end. Times are UTC; `started_at` is None for one that never began."""

    organization: str
    project: str
    pipeline: str
    state: str
    created_at: datetime
    finished_at: datetime
    started_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One runner of a treatment: from when it was asked for (`asked_at`) or, if known, its infrastructure began."""

    pool: str
    provider: str
    asked_at: datetime
    finished_at: datetime
    booting_at: datetime | None = None
    claimed_at: datetime | None = None
    price: Price | None = None

    @property
    def seconds(self) -> float:
        """How long it was held."""
        return _between(self.booting_at or self.asked_at, self.finished_at)

    @property
    def cost(self) -> float:
        return self.seconds * self.price.per_hour / 3600 if self.price else 0.0


@dataclass(frozen=True, kw_only=True)
class TreatmentEnd:
    """A treatment that came to an end, with all its attempts in order. `usage` is the last one's: cpu_ms, bytes."""

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
    counts: dict[str, float] = {f"state.{end.state}": 1}
    if end.started_at:
        _observe(counts, "run_duration", _between(end.started_at, end.finished_at))
        _observe(counts, "run_queue", _between(end.created_at, end.started_at))
    return {CounterKey(organization=end.organization, project=end.project, pipeline=end.pipeline): counts}


def count_treatment(end: TreatmentEnd) -> Mapping[CounterKey, Mapping[str, float]]:
    """The end is counted with the last attempt's pool, each attempt's time and cost with its own."""
    found: dict[CounterKey, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    last = end.attempts[-1] if end.attempts else None
    final = found[_key(end, last)]
    final[f"state.{end.state}"] = 1
    if end.started_at and end.finished_at:
        _observe(final, "duration", _between(end.started_at, end.finished_at))
    if end.attempts and end.ready_at:
        first = end.attempts[0]
        _observe(found[_key(end, first)], "queue", _between(end.ready_at, first.booting_at or first.asked_at))
    for attempt in end.attempts:
        counts = found[_key(end, attempt)]
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
    return {key: {name: amount for name, amount in counts.items() if amount} for key, counts in found.items()}


def only_what_it_took(
    counts: Mapping[CounterKey, Mapping[str, float]],
) -> Mapping[CounterKey, Mapping[str, float]]:
    """Time of runners and its cost, without outcomes and durations."""
    kept = {
        key: {name: amount for name, amount in its.items() if name in TOTALS or name.startswith("cost.")}
        for key, its in counts.items()
    }
    return {key: its for key, its in kept.items() if its}


def group_name(treatment: str) -> str:
    """The instances of a matrix or an `each` are counted together, or there would be a series for each element."""
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
    """Never negative: the times may come from two clocks."""
    return max(0.0, (end - start).total_seconds())
