"""Turns counts of series into metrics, added up over all labels that a metric does not have: a scrape stays small."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from cadence.domain.metrics import catalog
from cadence.domain.metrics.counting import DISTRIBUTIONS, TOTALS, CounterKey, CounterSeries
from cadence.domain.metrics.model import Distribution, Family, Metric, MetricKind, MetricSample

_OF_RUNS = ("project", "pipeline")
_OF_TREATMENTS = ("project", "pipeline", "treatment")
_OF_POOLS = ("project", "pool", "provider")
_WITH_POOL = ("project", "pipeline", "treatment", "pool", "provider")

# The labels of histograms: few, since their buckets make them the largest part of a scrape.
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
    """Returns all metrics that are counted, without those that have no samples."""
    samples: dict[str, dict[_Group, float]] = defaultdict(lambda: defaultdict(float))
    counts: dict[str, dict[_Group, dict[str, float]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(float)))
    for entry in series:
        for name, amount in entry.counts.items():
            kind, _, detail = name.partition(".")
            if kind in DISTRIBUTIONS:
                counts[kind][_group(entry.key, _LABELS[kind])][detail] += amount
            elif kind == "state":
                runs = entry.key.treatment is None
                family = catalog.RUNS if runs else catalog.TREATMENTS
                group = _group(entry.key, _OF_RUNS if runs else (*_OF_TREATMENTS, "pool"))
                samples[family.name][(*group, ("state", detail))] += amount
            elif kind == "cost":
                samples[catalog.COST.name][(*_group(entry.key, _WITH_POOL), ("currency", detail))] += amount
            elif kind in TOTALS:
                samples[TOTALS[kind].name][_group(entry.key, _WITH_POOL)] += amount
    metrics = [
        Metric(family, [MetricSample(dict(group), value) for group, value in sorted(samples[family.name].items())])
        for family in catalog.ALL
        if family.kind is MetricKind.COUNTER and family.name in samples
    ]
    metrics += [
        Metric(family, distributions=[_distribution(family, *item) for item in sorted(counts[name].items())])
        for name, family in DISTRIBUTIONS.items()
        if name in counts
    ]
    return metrics


def gauge(family: Family, samples: Iterable[tuple[Mapping[str, str], float]]) -> Metric:
    """Returns a gauge of the family with these samples."""
    return Metric(family, [MetricSample(labels, value) for labels, value in samples])


def _group(key: CounterKey, labels: tuple[str, ...]) -> _Group:
    return tuple((name, getattr(key, name) or "") for name in labels)


def _distribution(family: Family, group: _Group, counts: Mapping[str, float]) -> Distribution:
    buckets = tuple(counts.get(str(bucket), 0.0) for bucket in range(len(family.bounds) + 1))
    return Distribution(dict(group), buckets, counts.get("sum", 0.0))
