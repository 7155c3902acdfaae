"""Metrics as they stand now: all of what a token may see, or of what an export covers."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cadence.application.metrics.gauges import GaugeSource
from cadence.application.metrics.ports import Counters
from cadence.domain.metrics import catalog
from cadence.domain.metrics.counting import CounterSeries
from cadence.domain.metrics.model import Metric
from cadence.domain.metrics.telling import gauge, metrics_of

MOST_SERIES = 1_500
"""Told at a time: a scrape has to fit into the answer of a Lambda."""


@dataclass(frozen=True)
class RenderMetrics:
    counters: Counters
    gauges: Sequence[GaugeSource] = ()

    def render(self, organization: str, projects: Collection[str], whole: bool) -> Sequence[Metric]:
        """`whole`: whoever asks sees all of the organization. The cost does not grow with what runs, only with what is named."""
        series: list[CounterSeries] = []
        truncated = False
        for project in projects:
            found = self.counters.read(organization, project)
            room = MOST_SERIES - len(series)
            truncated = truncated or len(found) > room
            series += found[:room]
        gauges = [metric for source in self.gauges for metric in source.read(organization, projects, whole)]
        told = [*metrics_of(series), *gauges, gauge(catalog.TRUNCATED, [({}, float(truncated))])]
        return [metric for metric in told if metric.samples or metric.distributions]
