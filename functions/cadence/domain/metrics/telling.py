"""Counts of series become metrics: added up over what a metric does not tell apart, so that a scrape stays small."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from cadence.domain.metrics import catalog
from cadence.domain.metrics.counting import DISTRIBUTIONS, TOTALS, CounterKey, CounterSeries
from cadence.domain.metrics.model import Distribution, Family, Metric, MetricKind, MetricSample

_OF_RUNS = ("project", "pipeline")
_OF_TREATMENTS = ("project", "pipeline", "treatment")
_OF_POOLS = ("project", "pool", "provider")
_WITH_POOL = ("project", "pipeline", "treatment", "pool", "provider")

# What a histogram is told by: its buckets make it the largest part of a scrape.
_LABELS: Mapping[str, tuple[str, ...]] = {
    "run_duration": _OF_RUNS,
    "run_queue": _OF_RUNS,
    "duration": _OF_TREATMENTS,
    "queue": _OF_POOLS,
    "boot": _OF_POOLS,
    "memory": _OF_TREATMENTS,
}

_Group = tuple[tuple[str, str], ...]


def metrics_of(series: Iterable[CounterSeries]) -> Sequence[Metric]:
    """All metrics that are counted, those without samples left out."""
    samples: dict[str, dict[_Group, float]] = defaultdict(lambda: defaultdict(float))
    counts: dict[str, dict[_Group, dict[str, float]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(float)))
    for one in series:
        for name, amount in one.counts.items():
            kind, _, detail = name.partition(".")
            if kind in DISTRIBUTIONS:
                counts[kind][_group(one.key, _LABELS[kind])][detail] += amount
            elif kind == "state":
                runs = one.key.treatment is None
                family = catalog.RUNS if runs else catalog.TREATMENTS
                group = _group(one.key, _OF_RUNS if runs else (*_OF_TREATMENTS, "pool"))
                samples[family.name][(*group, ("state", detail))] += amount
            elif kind == "cost":
                samples[catalog.COST.name][(*_group(one.key, _WITH_POOL), ("currency", detail))] += amount
            elif kind in TOTALS:
                samples[TOTALS[kind].name][_group(one.key, _WITH_POOL)] += amount
    told = [
        Metric(family, [MetricSample(dict(group), value) for group, value in sorted(samples[family.name].items())])
        for family in catalog.ALL
        if family.kind is MetricKind.COUNTER and family.name in samples
    ]
    told += [
        Metric(family, distributions=[_distribution(family, *item) for item in sorted(counts[name].items())])
        for name, family in DISTRIBUTIONS.items()
        if name in counts
    ]
    return told


def gauge(family: Family, samples: Iterable[tuple[Mapping[str, str], float]]) -> Metric:
    return Metric(family, [MetricSample(labels, value) for labels, value in samples])


def _group(key: CounterKey, labels: tuple[str, ...]) -> _Group:
    return tuple((name, getattr(key, name) or "") for name in labels)


def _distribution(family: Family, group: _Group, counts: Mapping[str, float]) -> Distribution:
    buckets = tuple(counts.get(str(bucket), 0.0) for bucket in range(len(family.bounds) + 1))
    return Distribution(dict(group), buckets, counts.get("sum", 0.0))
