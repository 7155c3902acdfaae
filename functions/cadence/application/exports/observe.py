"""Turns changes of the tables into events for their subscribers."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from cadence.application.shared.event_ports import Events, SubscriptionReader
from cadence.application.shared.report_ports import CommitReports, ReportRequest
from cadence.application.shared.runner_ports import HostStore
from cadence.application.test_reports.ports import ReadingRequests
from cadence.domain.exports.event import (
    Audience,
    Event,
    run_event,
    segment_event,
    treatment_event,
)
from cadence.domain.logs.log import Segment
from cadence.domain.runs.run import Run, Treatment
from cadence.domain.shared import ids

RunsOf = Callable[[Iterable[str]], Mapping[str, Run]]
"""Returns those of the runs that exist, by id. Only what never changes of a run is used, so they may be cached."""


@dataclass(frozen=True)
class Changes:
    """The changes in a batch: new segments, and treatments and runs that have ended."""

    segments: Sequence[Segment] = ()
    treatments: Sequence[Treatment] = ()
    runs: Sequence[Run] = ()


@dataclass(frozen=True)
class Observe:
    """Sends events to subscribers, and requests reports to code hosts and the reading of reports of tests.

    Safe to repeat: a subscriber identifies a repeated event by its id, a report states what is true when it is made.
    """

    runs_of: RunsOf
    runners: HostStore
    subscriptions: SubscriptionReader
    events: Events
    reports: CommitReports
    test_reports: ReadingRequests

    def observe(self, changes: Changes) -> int:
        """Sends the events of `changes` and returns how many. Raises Transient: then repeat the whole call."""
        outgoing: dict[Audience, list[Event]] = defaultdict(list)
        for event in (
            *map(segment_event, changes.segments),
            *self._treatment_events(changes.treatments),
            *map(run_event, changes.runs),
        ):
            subscriptions = self.subscriptions.get_subscriptions(event["organization"])
            for audience, kinds in subscriptions.items():
                if event["kind"] in kinds:
                    outgoing[audience].append(event)
        for audience, events in outgoing.items():
            self.events.tell(audience, events)
        for treatment in changes.treatments:
            if treatment.reports and treatment.kept_from is None:
                self.test_reports.request(treatment.run_id, treatment.name)
        for run in changes.runs:
            self._request_report(run)
        return sum(map(len, outgoing.values()))

    def _request_report(self, run: Run) -> None:
        """Requests that the code host is told about the end of a run of a connected repository."""
        request = ReportRequest.of(run)
        if request is not None:
            self.reports.request(request)

    def _treatment_events(self, treatments: Sequence[Treatment]) -> list[Event]:
        if not treatments:
            return []
        runs = self.runs_of({treatment.run_id for treatment in treatments})
        runners = self.runners.get_runners(map(_runner_id, treatments))
        # A run that is gone (expired) takes its treatments with it.
        return [
            treatment_event(runs[treatment.run_id], treatment, runners.get(_runner_id(treatment)))
            for treatment in treatments
            if treatment.run_id in runs
        ]


def _runner_id(treatment: Treatment) -> str:
    return ids.runner_id(treatment.run_id, treatment.name, treatment.attempt)
