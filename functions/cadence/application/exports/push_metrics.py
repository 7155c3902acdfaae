"""Pushes metrics at intervals to the exports that take them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cadence.application.exports.deliver_exports import DeliverExports
from cadence.application.exports.ports import Backlog, ExportFormat, ExportWork
from cadence.application.metrics.render_metrics import RenderMetrics
from cadence.application.shared.ports import Clock
from cadence.domain.access.access import Project
from cadence.domain.exports.export import ALL_PROJECTS, PUSH_EVERY, Export, ExportBatch, ExportKind
from cadence.domain.metrics.model import Distribution, Metric, MetricKind, MetricSample

_LATE = 5


@dataclass(frozen=True, kw_only=True)
class PushMetrics:
    """Keeps a chain of messages for each export, each of which sends the next one.

    Only one chain goes on, even if several are begun.
    """

    tell: RenderMetrics
    projects: Callable[[str], Sequence[Project]]
    formats: Callable[[ExportKind], ExportFormat]
    deliver: DeliverExports
    backlog: Backlog
    work: ExportWork
    clock: Clock

    def begin(self, export: Export) -> None:
        """Pushes at once and from then on, so that a user who just set the export up sees it work."""
        if export.pushes:
            now = self.clock().replace(microsecond=0)
            self.work.push(export, now, timedelta())
            self.backlog.claim_push(export, self.backlog.standing(export).next_push, now)

    def keep_going(self, export: Export) -> None:
        """Begins the chain of an export that has none, or whose message was lost."""
        if not export.pushes:
            return
        now = self.clock()
        due = self.backlog.standing(export).next_push
        if due is None or due < now - _LATE * PUSH_EVERY:
            self._follow(export, due, now)

    def push_due(self, export: Export, due: datetime) -> None:
        """Pushes, if `due` is the stored time; a message with another time is left over from another chain.

        Safe to repeat.
        """
        now = self.clock()
        if not export.pushes or self.backlog.standing(export).next_push != due:
            return
        self.push(export, now)
        self._follow(export, due, now)

    def push(self, export: Export, now: datetime) -> None:
        """Sends an export's metrics: the counters' totals, or what was added since the last push."""
        names = [project.name for project in self.projects(export.organization) if export.covers(project.name)]
        metrics = self.tell.render(export.organization, names, ALL_PROJECTS in export.projects)
        if self.formats(export.kind).cumulative:
            self._deliver(export, metrics, now)
            return
        reached = totals_of(metrics)
        added = added_since(metrics, self.backlog.sent(export))
        if added:
            self._deliver(export, added, now)
            self.backlog.keep_sent(export, reached)

    def _deliver(self, export: Export, metrics: Sequence[Metric], at: datetime) -> None:
        requests = self.formats(export.kind).metrics(export, metrics, at)
        parcels = [
            ExportBatch(key=f"metrics-{at:%Y%m%dT%H%M%S}-{number:03}", since=at, request=request)
            for number, request in enumerate(requests)
        ]
        self.deliver.parcels(export, parcels)

    def _follow(self, export: Export, due: datetime | None, now: datetime) -> None:
        """Sends the next message, then stores its time.

        If the call ends in between, that message has the wrong time and does nothing, and this call is repeated.
        """
        following = (now + PUSH_EVERY).replace(microsecond=0)
        self.work.push(export, following, PUSH_EVERY)
        self.backlog.claim_push(export, due, following)


def totals_of(metrics: Iterable[Metric]) -> Mapping[str, float]:
    """Returns the totals of counters and histograms, by a name for each number."""
    totals: dict[str, float] = {}
    for metric in metrics:
        if metric.family.kind is MetricKind.GAUGE:
            continue
        for sample in metric.samples:
            totals[_id(metric, sample.labels)] = sample.value
        for distribution in metric.distributions:
            totals[_id(metric, distribution.labels, "sum")] = distribution.total
            for bucket, count in enumerate(distribution.counts):
                if count:
                    totals[_id(metric, distribution.labels, str(bucket))] = count
    return totals


def added_since(metrics: Iterable[Metric], sent: Mapping[str, float]) -> Sequence[Metric]:
    """Returns the increments of counters and histograms since the totals `sent`; unchanged ones are left out."""
    increments = []
    for metric in metrics:
        if metric.family.kind is MetricKind.GAUGE:
            continue
        samples = [
            MetricSample(sample.labels, round(sample.value - sent.get(_id(metric, sample.labels), 0.0), 9))
            for sample in metric.samples
        ]
        distributions = [
            Distribution(
                each.labels,
                tuple(
                    count - sent.get(_id(metric, each.labels, str(bucket)), 0.0)
                    for bucket, count in enumerate(each.counts)
                ),
                round(each.total - sent.get(_id(metric, each.labels, "sum"), 0.0), 9),
            )
            for each in metric.distributions
        ]
        changed = replace(
            metric,
            samples=[sample for sample in samples if sample.value > 0],
            distributions=[distribution for distribution in distributions if distribution.count > 0],
        )
        if changed.samples or changed.distributions:
            increments.append(changed)
    return increments


def _id(metric: Metric, labels: Mapping[str, str], part: str = "") -> str:
    return "\x1f".join((metric.family.name, part, *labels.values()))
