"""Computes from stored runs what counters had reached at earlier times, and sends it with those times.

Counters are never reset, and each end of a run or treatment was counted once. So a counter's value at a time is its
value now, without the runs and treatments that ended since: the figures of the past join those sent from now on.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from cadence.application.exports.ports import ExportFormat
from cadence.application.exports.push_metrics import added_since, totals_of
from cadence.application.exports.rebuild_end_events import ends_of
from cadence.application.exports.send_export import Batch, SendExport
from cadence.application.metrics.count_events import CountEvents
from cadence.application.metrics.ports import Counters, Event
from cadence.application.shared.run_ports import RunStore, TreatmentStore
from cadence.domain.access.access import Project
from cadence.domain.exports.export import Backfill, Export, ExportBatch, ExportKind
from cadence.domain.metrics.counting import CounterKey, CounterSeries
from cadence.domain.metrics.model import Metric
from cadence.domain.metrics.telling import metrics_of
from cadence.domain.shared.errors import InvalidRequest

SHORTEST_STEP = timedelta(minutes=1)
_MOST_STEPS = 2_000
_MOST_RUNS = 5_000
_RUNS_AT_A_TIME = 100
_NOTED_EVERY = 50

Amounts = dict[CounterKey, dict[str, float]]
Counts = Mapping[CounterKey, Mapping[str, float]]


@dataclass(frozen=True, kw_only=True)
class BackfillMetrics:
    """Sends the metrics of a back-fill; `longest_run` is the longest time from a run's creation to its end."""

    runs: RunStore
    treatments: TreatmentStore
    count: CountEvents
    counters: Counters
    projects: Callable[[str], Sequence[Project]]
    send: SendExport
    formats: Callable[[ExportKind], ExportFormat]
    longest_run: timedelta

    def backfill(self, export: Export, backfill: Backfill) -> Iterator[Backfill]:
        """Sends metrics and yields the progress now and then.

        Raises Transient, RefusedForGood, and InvalidRequest if there are too many runs.
        """
        names = [project.name for project in self.projects(export.organization) if export.covers(project.name)]
        ended = [end for name in names for end in self._ended(export.organization, name, backfill.since)]
        ended.sort(key=lambda end: end[0])
        reached = self._reached(export.organization, names)
        # Names beyond the most series of a project are counted together, in an unknown proportion: they are left out.
        ended = [(at, {key: amounts for key, amounts in counts.items() if key in reached}) for at, counts in ended]
        for _, counts in ended:
            _add(reached, counts, -1)
        step = max(SHORTEST_STEP, (backfill.until - backfill.since) / _MOST_STEPS)
        previous: Sequence[Metric] = metrics_of(_series(reached))
        cumulative = self.formats(export.kind).cumulative
        done, at, next_end = backfill.position, _whole(backfill.since), 0
        while (at := at + step) <= backfill.until:
            while next_end < len(ended) and ended[next_end][0] <= at:
                _add(reached, ended[next_end][1], 1)
                next_end += 1
            metrics = metrics_of(_series(reached))
            if done is None or at > datetime.fromisoformat(done):
                self._send(export, metrics if cumulative else added_since(metrics, totals_of(previous)), at)
                backfill = replace(backfill, position=at.isoformat(), points=backfill.points + 1)
                if backfill.points % _NOTED_EVERY == 0:
                    yield backfill
            previous = metrics
        yield backfill

    def _ended(self, organization: str, project: str, since: datetime) -> Iterator[tuple[datetime, Counts]]:
        """Yields each end after `since`, with its time and what it added to the counters."""
        after, examined = None, 0
        while True:
            page = self.runs.list_runs(organization, project, _RUNS_AT_A_TIME, after)
            for run in page.items:
                if run.created_at < since - self.longest_run:
                    return
                examined += 1
                if examined > _MOST_RUNS:
                    raise InvalidRequest(
                        f"The project {project} had more than {_MOST_RUNS:,} runs since then, too many to count again. "
                        "Choose a later beginning."
                    )
                events = [event for event in ends_of(self.treatments, self.count.runners, run) if _time(event) > since]
                for event, counted in self.count.counted(events):
                    yield _time(event), counted.counts
            if page.after is None:
                return
            after = page.after

    def _reached(self, organization: str, projects: Sequence[str]) -> Amounts:
        reached: Amounts = defaultdict(lambda: defaultdict(float))
        for project in projects:
            for series in self.counters.read(organization, project):
                _add(reached, {series.key: series.counts}, 1)
        return reached

    def _send(self, export: Export, metrics: Sequence[Metric], at: datetime) -> None:
        requests = self.formats(export.kind).metrics(export, metrics, at) if metrics else ()
        parcels = [
            ExportBatch(key=f"metrics-{at:%Y%m%dT%H%M%S}-{number:03}", since=at, request=request)
            for number, request in enumerate(requests)
        ]
        if parcels:
            self.send.send(export, Batch(parcels))


def _add(reached: Amounts, counts: Counts, sign: int) -> None:
    for key, amounts in counts.items():
        for name, amount in amounts.items():
            reached[key][name] += sign * amount


def _series(reached: Amounts) -> Iterator[CounterSeries]:
    """Yields the series above zero; one below was not counted yet when the counters were read, or was rounded."""
    for key, counts in reached.items():
        positive = {name: round(amount, 9) for name, amount in counts.items() if amount > 1e-9}
        if positive:
            yield CounterSeries(key, positive)


def _time(event: Event) -> datetime:
    finished = event["finished_at"]
    return datetime.fromisoformat(finished) if finished else datetime.min.replace(tzinfo=UTC)


def _whole(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
