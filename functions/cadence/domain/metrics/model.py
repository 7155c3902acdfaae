"""Samples as every monitoring system knows them: counters, gauges and histograms with labels."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

Labels = Mapping[str, str]


class MetricKind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, kw_only=True)
class Family:
    """`name` ends in `unit`, if it has one, and never in `_total`; `bounds` are the upper bounds of a histogram's buckets."""

    name: str
    kind: MetricKind
    help: str
    unit: str = ""
    bounds: tuple[float, ...] = ()

    def bucket_of(self, value: float) -> int:
        """The bucket that `value` is counted in; the last one has no upper bound."""
        return bisect_left(self.bounds, value)


@dataclass(frozen=True)
class MetricSample:
    labels: Labels
    value: float


@dataclass(frozen=True)
class Distribution:
    """What a histogram counted: `counts` of each bucket by itself (not cumulative), one more than there are bounds."""

    labels: Labels
    counts: tuple[float, ...]
    total: float

    @property
    def count(self) -> float:
        return sum(self.counts)

    def cumulative(self) -> Sequence[float]:
        """How many were at most each bound; the last one is all."""
        so_far, found = 0.0, []
        for count in self.counts:
            so_far += count
            found.append(so_far)
        return found


@dataclass(frozen=True)
class Metric:
    """A family with its samples: distributions if it is a histogram."""

    family: Family
    samples: Sequence[MetricSample] = field(default=())
    distributions: Sequence[Distribution] = field(default=())


def number(value: float) -> str:
    """Without a needless fraction: `3`, `0.25`, `+Inf`."""
    if value == float("inf"):
        return "+Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def bound_text(bound: float) -> str:
    """A bucket's bound as its label `le`, in the one form that OpenMetrics knows: `1.0`, `0.25`, `+Inf`."""
    return "+Inf" if bound == float("inf") else repr(float(bound))
