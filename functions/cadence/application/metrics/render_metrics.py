"""Renders the current metrics of all projects that a token may see, or that an export covers."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cadence.application.metrics.gauges import GaugeSource
from cadence.application.metrics.ports import Counters
from cadence.domain.metrics import catalog
from cadence.domain.metrics.counting import CounterSeries
from cadence.domain.metrics.model import Metric
from cadence.domain.metrics.telling import gauge, metrics_of

MOST_SERIES = 1_500
"""The most series that are rendered at a time: a scrape has to fit into the answer of a Lambda."""


@dataclass(frozen=True)
class RenderMetrics:
    """Renders counters and gauges as metrics."""

    counters: Counters
    gauges: Sequence[GaugeSource] = ()

    def render(self, organization: str, projects: Collection[str], whole: bool) -> Sequence[Metric]:
        """Returns the metrics of `projects`; those of the organization, too, if the caller sees all of it (`whole`).

        The cost grows with the number of names in the metrics, not with the number of runs.
        """
        series: list[CounterSeries] = []
        truncated = False
        for project in projects:
            own = self.counters.read(organization, project)
            room = MOST_SERIES - len(series)
            truncated = truncated or len(own) > room
            series += own[:room]
        gauges = [metric for source in self.gauges for metric in source.read(organization, projects, whole)]
        metrics = [*metrics_of(series), *gauges, gauge(catalog.TRUNCATED, [({}, float(truncated))])]
        return [metric for metric in metrics if metric.samples or metric.distributions]
