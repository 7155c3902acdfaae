"""Writes the OpenMetrics text format, version 1.0.0."""

from collections.abc import Iterable, Iterator, Mapping

from cadence.domain.metrics.model import Metric, MetricKind, bound_text, number

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


def openmetrics(metrics: Iterable[Metric]) -> str:
    """Returns the metrics in the OpenMetrics text format, with its `# EOF`."""
    lines: list[str] = []
    for metric in metrics:
        family = metric.family
        lines.append(f"# TYPE {family.name} {family.kind}")
        if family.unit:
            lines.append(f"# UNIT {family.name} {family.unit}")
        lines.append(f"# HELP {family.name} {family.help.translate(_ESCAPES)}")
        lines += _samples(metric)
    return "\n".join([*lines, "# EOF"]) + "\n"


def _samples(metric: Metric) -> Iterator[str]:
    name = metric.family.name
    suffix = "_total" if metric.family.kind is MetricKind.COUNTER else ""
    for sample in metric.samples:
        yield f"{name}{suffix}{_labels(sample.labels)} {number(sample.value)}"
    for distribution in metric.distributions:
        bounds = (*metric.family.bounds, float("inf"))
        for bound, count in zip(bounds, distribution.cumulative(), strict=True):
            labels = {**distribution.labels, "le": bound_text(bound)}
            yield f"{name}_bucket{_labels(labels)} {number(count)}"
        yield f"{name}_count{_labels(distribution.labels)} {number(distribution.count)}"
        yield f"{name}_sum{_labels(distribution.labels)} {number(distribution.total)}"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in labels.items()) + "}"
