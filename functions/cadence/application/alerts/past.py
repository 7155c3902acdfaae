"""Rebuilds past events from stored runs, and rehearses rules on them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cadence.application.alerts.past_lines import PastLines
from cadence.application.alerts.rehearse import Rehearsal, happened_at, rehearse
from cadence.application.logs.ports import Line
from cadence.application.search.ports import SearchIndex, SearchScope
from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import RunStore, TreatmentStore
from cadence.application.shared.runner_ports import HostStore
from cadence.domain.alerts.rule import TIMES, AnomalyCondition, LimitCondition, LogCondition, Rule, is_of_runs
from cadence.domain.exports.event import Event, run_event, treatment_event
from cadence.domain.runs.run import Run
from cadence.domain.shared import ids

_PAGE = 100
_MOST_RUNS = 5_000
_LONGEST_RUN = timedelta(days=1)
"""Runs that began earlier than this before the examined time are left out."""


@dataclass(kw_only=True)
class Past:
    """Collects the events that a rule would have seen, newest runs first, until `give_up_at`.

    All events after `since` were found: it is the requested time, or a later one if there were too many runs.
    """

    runs: RunStore
    treatments: TreatmentStore
    runners: HostStore
    clock: Clock
    give_up_at: datetime
    since: datetime
    looked_at: int = 0
    complete: bool = True
    events: list[Event] = field(default_factory=list)

    def collect(self, rule: Rule, projects: Sequence[str], until: datetime) -> None:
        """Collects the events of `projects` before `until`."""
        for project in projects:
            for run in self._newest(rule.organization, project):
                if run.created_at < self.since - _LONGEST_RUN:
                    break
                if self.clock() >= self.give_up_at or self.looked_at >= _MOST_RUNS:
                    self._stop_at(run)
                    break
                self.looked_at += 1
                if run.replay_of is None and rule.where.includes_pipeline(run.pipeline):
                    self.events += self._of_run(rule, run)
        self.events = [event for event in self.events if self._is_within(event, until)]

    def _stop_at(self, run: Run) -> None:
        """Notes that only the runs that began after this one were examined."""
        self.complete = False
        self.since = max(self.since, run.created_at)

    def _is_within(self, event: Event, until: datetime) -> bool:
        at = happened_at(event)
        return at is not None and self.since <= datetime.fromisoformat(at) <= until

    def _newest(self, organization: str, project: str) -> Iterator[Run]:
        after = None
        while True:
            page = self.runs.list_runs(organization, project, _PAGE, after)
            yield from page.items
            if page.after is None:
                return
            after = page.after

    def _of_run(self, rule: Rule, run: Run) -> Iterator[Event]:
        if is_of_runs(rule.when):
            if run.state.final:
                yield run_event(run)
            return
        treatments = [each for each in self.treatments.list_treatments(run.run_id) if each.state.final]
        runner_ids = [ids.runner_id(run.run_id, each.name, each.attempt) for each in treatments]
        runners = self.runners.get_runners(runner_ids) if _needs_usage(rule) and runner_ids else {}
        for treatment, runner_id in zip(treatments, runner_ids, strict=True):
            yield treatment_event(run, treatment, runners.get(runner_id))


def _needs_usage(rule: Rule) -> bool:
    return isinstance(rule.when, LimitCondition | AnomalyCondition) and rule.when.of not in TIMES


@dataclass(frozen=True, kw_only=True)
class TryOnPast:
    """Rehearses a rule on the past, within a bounded time.

    Lines are found by the search index, ends of treatments and runs by reading the runs.
    """

    runs: RunStore
    treatments: TreatmentStore
    runners: HostStore
    search: SearchIndex
    clock: Clock
    seconds: float = 15.0

    def rehearse(
        self, rule: Rule, projects: Sequence[str], since: datetime, until: datetime
    ) -> tuple[Rehearsal, Past | PastLines]:
        """Returns what the rule would have done, and the events that were examined."""
        give_up_at = self.clock() + timedelta(seconds=self.seconds)
        if isinstance(rule.when, LogCondition):
            lines = PastLines(search=self.search, runs=self.runs, clock=self.clock, give_up_at=give_up_at, since=since)
            events = lines.collect(rule.when, SearchScope(rule.organization, tuple(projects)), until)
            return rehearse(rule, events, until, lines.read), lines
        past = Past(
            runs=self.runs,
            treatments=self.treatments,
            runners=self.runners,
            clock=self.clock,
            give_up_at=give_up_at,
            since=since,
        )
        past.collect(rule, projects, until)
        return rehearse(rule, past.events, until, _no_lines), past


def _no_lines(key: str) -> Sequence[Line]:
    """Returns no lines: ends of treatments and runs have none."""
    return []
