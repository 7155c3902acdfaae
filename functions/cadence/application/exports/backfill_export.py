"""Sends the stored data of a time range to an export once more.

Lines and spans are sent run by run, newest first, then metrics.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cadence.application.exports.deliver_exports import parcel_of
from cadence.application.exports.ports import Backlog, ExportWork
from cadence.application.exports.rebuild_end_events import ends_of
from cadence.application.exports.send_export import RefusedForGood, SendExport
from cadence.application.logs.ports import LogIndex
from cadence.application.metrics.ports import Event
from cadence.application.shared.identifiers import highest_ulid, new_ulid
from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import RunStore, TreatmentStore
from cadence.application.shared.runner_ports import HostStore
from cadence.domain.access.access import Project
from cadence.domain.exports.event import segment_event
from cadence.domain.exports.export import GIVE_UP_AFTER, Backfill, BackfillState, Export, Signal, backoff
from cadence.domain.logs.log import Segment
from cadence.domain.runs.run import Run
from cadence.domain.shared.errors import Conflict, InvalidRequest, Transient, Violation
from cadence.domain.shared.retention import KEPT

# A run waits for at most seven days, and then takes at most a day: one that ran within a range was created no earlier.
LONGEST_RUN = timedelta(days=9)
_WORKING = timedelta(seconds=40)
_RUNS_AT_A_TIME = 50
_SEGMENTS_AT_A_TIME = 100


@dataclass(frozen=True)
class RequestBackfill:
    """Starts back-fills."""

    projects: Callable[[str], Sequence[Project]]
    backlog: Backlog
    work: ExportWork
    clock: Clock

    def request(self, export: Export, since: datetime, until: datetime, signals: frozenset[Signal]) -> Backfill:
        """Starts a back-fill of `signals` from `since` until `until`, and returns it.

        Raises InvalidRequest for an invalid range, or signals that the export does not send; Conflict while another
        back-fill runs.
        """
        now = self.clock()
        _check(export, since, until, signals, now)
        under_way = [
            earlier
            for earlier in self.backlog.list_backfills(export.organization, export.name)
            if earlier.state is BackfillState.RUNNING
        ]
        if under_way:
            raise Conflict(f"The back-fill {under_way[0].backfill_id} of this export has not ended yet.")
        names = tuple(project.name for project in self.projects(export.organization) if export.covers(project.name))
        if signals == {Signal.METRICS}:
            names = ()  # they are not sent run by run
        backfill = Backfill(
            organization=export.organization,
            export=export.name,
            backfill_id=new_ulid(now),
            since=since,
            until=until,
            signals=signals,
            requested_at=now,
            projects=names,
        )
        self.backlog.put_backfill(backfill)
        self.work.backfill(backfill, timedelta())
        return backfill


@dataclass(frozen=True, kw_only=True)
class WorkOnBackfill:
    """Works on back-fills: a call works for a while, stores its progress, and sends a message to go on.

    A receiver that fails is tried again later. `metrics` is `BackfillMetrics.backfill`.
    """

    runs: RunStore
    treatments: TreatmentStore
    runners: HostStore
    index: LogIndex
    send: SendExport
    backlog: Backlog
    work: ExportWork
    clock: Clock
    metrics: Callable[[Export, Backfill], Iterator[Backfill]]

    def work_on(self, export: Export | None, organization: str, name: str, backfill_id: str) -> Backfill:
        """Works on a back-fill and returns its progress; `export` is None if it was deleted or is switched off.

        Safe to repeat: what was sent since the progress was last stored is sent again.
        """
        backfill = self.backlog.get_backfill(organization, name, backfill_id)
        if backfill.state is not BackfillState.RUNNING:
            return backfill
        if export is None:
            return self._end(backfill, BackfillState.CANCELLED, "The export was deleted or switched off.")
        until = self.clock() + _WORKING
        try:
            for reached in self._steps(export, backfill):
                backfill = reached
                self.backlog.put_backfill(reached)
                if self.clock() >= until:
                    self.work.backfill(reached, timedelta())
                    return reached
        except Transient as error:
            return self._put_off(self.backlog.get_backfill(organization, name, backfill_id), error)
        except (InvalidRequest, RefusedForGood) as error:
            return self._end(backfill, BackfillState.FAILED, error.message)
        return self._end(backfill, BackfillState.COMPLETED, backfill.error)

    def _steps(self, export: Export, backfill: Backfill) -> Iterator[Backfill]:
        """Yields the progress after each step."""
        while backfill.projects:
            after = backfill.position or highest_ulid(backfill.until)
            page = self.runs.list_runs(backfill.organization, backfill.projects[0], _RUNS_AT_A_TIME, after)
            recent = [run for run in page.items if run.created_at >= backfill.since - LONGEST_RUN]
            for run in recent:
                if _touches(run, backfill):
                    for reached in self._of_run(export, backfill, run):
                        backfill = reached
                        yield reached
                backfill = replace(backfill, position=run.run_id, segment=0)
            if page.after is None or len(recent) < len(page.items):
                backfill = replace(backfill, projects=backfill.projects[1:], position=None)
            yield backfill
        if Signal.METRICS in backfill.signals:
            yield from self.metrics(export, backfill)

    def _of_run(self, export: Export, backfill: Backfill, run: Run) -> Iterator[Backfill]:
        if Signal.LOGS in backfill.signals:
            while segments := self.index.list_segments(run.run_id, backfill.segment, _SEGMENTS_AT_A_TIME):
                matching = [segment for segment in segments if _within(segment, backfill)]
                backfill = self._send(export, backfill, map(segment_event, matching))
                backfill = replace(
                    backfill,
                    segment=segments[-1].number + 1,
                    lines=backfill.lines + sum(segment.lines for segment in matching),
                )
                yield backfill
        if Signal.TRACES in backfill.signals and run.finished_at and _between(run.finished_at, backfill):
            ends = ends_of(self.treatments, self.runners, run)
            backfill = self._send(export, backfill, ends)
            backfill = replace(backfill, spans=backfill.spans + len(ends))
        yield replace(backfill, runs=backfill.runs + 1)

    def _send(self, export: Export, backfill: Backfill, events: Iterable[Event]) -> Backfill:
        parcels = [parcel_of(event) for event in events if self.send.wants(export, event)]
        for batch in self.send.batches(export, parcels):
            try:
                self.send.send(export, batch)
            except RefusedForGood as error:
                self.backlog.bury(export, batch.parcels, error.message, self.clock())
                backfill = replace(backfill, error=error.message)
        return replace(backfill, failures=0)

    def _put_off(self, backfill: Backfill, error: Transient) -> Backfill:
        if self.clock() - backfill.requested_at > GIVE_UP_AFTER:
            return self._end(backfill, BackfillState.FAILED, error.message)
        failing = replace(backfill, failures=backfill.failures + 1, error=error.message)
        self.backlog.put_backfill(failing)
        self.work.backfill(failing, backoff(failing.failures, random.random()))
        return failing

    def _end(self, backfill: Backfill, state: BackfillState, error: str | None) -> Backfill:
        ended = replace(backfill, state=state, error=error, finished_at=self.clock())
        self.backlog.put_backfill(ended)
        return ended


def _check(export: Export, since: datetime, until: datetime, signals: frozenset[Signal], now: datetime) -> None:
    violations = []
    if since >= until:
        violations.append(Violation("/since", "The range has to begin before it ends."))
    if until > now + timedelta(minutes=1):
        violations.append(Violation("/until", "The range ends in the future."))
    if since < now - KEPT:
        violations.append(Violation("/since", f"Nothing is kept for longer than {KEPT.days} days."))
    if not signals:
        message = "Nothing that this export sends can be back-filled: earlier records of the audit log can be exported."
        violations.append(Violation("/signals", message))
    lacking = sorted(signals - export.signals)
    violations += [Violation("/signals", f"This export sends no {signal}.") for signal in lacking]
    if violations:
        raise InvalidRequest(violations[0].message, violations)


def _touches(run: Run, backfill: Backfill) -> bool:
    return run.finished_at is None or run.finished_at >= backfill.since


def _within(segment: Segment, backfill: Backfill) -> bool:
    """Returns True if a segment has lines within the range; it is sent whole, with a few lines from outside of it."""
    last, first = datetime.fromisoformat(segment.last_time), datetime.fromisoformat(segment.first_time)
    return last >= backfill.since and first <= backfill.until


def _between(moment: datetime, backfill: Backfill) -> bool:
    return backfill.since <= moment <= backfill.until
