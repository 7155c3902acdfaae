"""The samples of monitoring systems: counters, gauges and histograms with labels."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

Labels = Mapping[str, str]


class MetricKind(StrEnum):
    """The kind of a metric."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, kw_only=True)
class Family:
    """A family of samples.

    `name` ends in `unit`, if it has one, and never in `_total`; `bounds` are the upper bounds of a histogram's buckets.
    """

    name: str
    kind: MetricKind
    help: str
    unit: str = ""
    bounds: tuple[float, ...] = ()

    def bucket_of(self, value: float) -> int:
        """Returns the index of the bucket that `value` is counted in; the last one has no upper bound."""
        return bisect_left(self.bounds, value)


@dataclass(frozen=True)
class MetricSample:
    """One value with its labels."""

    labels: Labels
    value: float


@dataclass(frozen=True)
class Distribution:
    """The counts of a histogram.

    `counts` are those of each bucket by itself (not cumulative), one more than there are bounds; `total` is the sum of
    all values.
    """

    labels: Labels
    counts: tuple[float, ...]
    total: float

    @property
    def count(self) -> float:
        """The number of all values."""
        return sum(self.counts)

    def cumulative(self) -> Sequence[float]:
        """Returns how many values were at most each bound; the last one is all."""
        so_far, sums = 0.0, []
        for count in self.counts:
            so_far += count
            sums.append(so_far)
        return sums


@dataclass(frozen=True)
class Metric:
    """A family with its samples: distributions if it is a histogram."""

    family: Family
    samples: Sequence[MetricSample] = field(default=())
    distributions: Sequence[Distribution] = field(default=())


def number(value: float) -> str:
    """Returns the number without a needless fraction: `3`, `0.25`, `+Inf`."""
    if value == float("inf"):
        return "+Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def bound_text(bound: float) -> str:
    """Returns a bucket's bound as its label `le`, in the only form that OpenMetrics allows: `1.0`, `0.25`, `+Inf`."""
    return "+Inf" if bound == float("inf") else repr(float(bound))
