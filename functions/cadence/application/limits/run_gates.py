"""What a run has to pass before its machine starts: its concurrency group, then its organization's quota of running
runs.

A run that waits has no execution yet: the entry that leaves admits it, and it goes on from there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from cadence.application.limits.concurrency_limits import Admittance, ConcurrencyLimits
from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import Machines, RunStore
from cadence.application.shared.waiting_runs import answer_waiting
from cadence.domain.limits.concurrency_limit import LimitEntry, concurrency_group, running_runs
from cadence.domain.limits.quotas import Quotas
from cadence.domain.pipelines.specification import ConcurrencyPolicy
from cadence.domain.runs.run import Run
from cadence.domain.runs.states import RunState
from cadence.domain.shared.errors import Cancelled, Conflict, NotFound


class QuotaReader(Protocol):
    """Reads quotas."""

    def get_quotas(self, organization: str) -> Quotas:
        """Returns the organization's quotas, the defaults if none were set."""


@dataclass(frozen=True, kw_only=True)
class RunGates:
    """Takes runs through their gates. Implements WaiterCallbacks of the concurrency limits."""

    runs: RunStore
    machines: Machines
    concurrency_limits: ConcurrencyLimits
    quotas: QuotaReader
    clock: Clock

    def proceed(self, run: Run) -> Run:
        """Goes on until a gate is shut; past the last one it starts the run's machine. Returns the run. Safe to repeat.

        Raises Transient if the run cannot be taken on now: it is stored, and the watchdog returns to it.
        """
        if run.started_at is not None or run.state.final:
            return run
        if run.stop_requested:
            return self.end_unbegun(run, run.stop_requested, run.cause)
        quotas = self.quotas.get_quotas(run.organization)
        if run.project in quotas.closed_projects:
            cause = f"cancelled: the project {run.project} is being deleted"
            return self.end_unbegun(run, RunState.CANCELLED, cause)
        if run.concurrency_group is not None:
            entered = self._enter_group(run, run.concurrency_group)
            if not entered.inside:
                ahead = f"run {entered.ahead.run_id}" if entered.ahead else "another run"
                if run.concurrency_policy is ConcurrencyPolicy.DROP:
                    cause = f"dropped: {ahead} of concurrency group {run.concurrency_group} was running"
                    return self._drop(run, cause)
                return self._wait(run, f"{ahead} of concurrency group {run.concurrency_group}")
        limit = quotas.max_running_runs
        # The run that a generated one belongs to holds a place for both: it would wait here for what waits for it.
        if not run.generated:
            entered = self.concurrency_limits.enter(running_runs(run.organization), limit, _entry(run), self)
            if not entered.inside:
                reason = f"one of the {limit} running runs of organization {run.organization} to end"
                return self._wait(run, f"{reason} (position {entered.position})")
        self.machines.start_run(run.run_id, run.machine_timeout)
        return run

    def leave(self, run: Run) -> None:
        """Leaves the gates for a run that is final, so that the runs behind it go on. Safe to repeat."""
        for scope in _scopes(run):
            self.concurrency_limits.leave(scope, run.run_id, self)

    def cancel(self, run_id: str, cause: str) -> Run:
        """Cancels a run and returns it as updated. Safe to repeat.

        Raises Conflict if the run has ended, or is executed elsewhere so that it cannot be ended here.
        """
        if self.runs.get_run(run_id).recorded:
            raise Conflict(f"Run {run_id} is executed by an engine outside of Cadence: end it there.")
        run = self.runs.request_stop(run_id, RunState.CANCELLED, cause)
        if run.machine_token:
            self.machines.fail(run.machine_token, Cancelled(run.cause or "cancelled"))
        elif run.waiting_for is not None:
            return self.end_unbegun(run, run.stop_requested or RunState.CANCELLED, run.cause)
        return run

    def end_unbegun(self, run: Run, state: RunState, cause: str | None) -> Run:
        """Ends a run without a machine, which needs no stop. A machine started at this moment finds it ended."""
        ended = self.runs.finish_run(run, state, cause, self.clock())
        self.leave(ended)
        answer_waiting(self.machines, ended)
        return ended

    def limit(self, organization: str, quotas: Quotas) -> None:
        """Applies new quotas: waiting runs are admitted if there is more room now."""
        self.concurrency_limits.limit(running_runs(organization), quotas.max_running_runs, self)

    def tend(self, scope: str) -> None:
        """Implements the watchdog's look at a concurrency limit of runs."""
        self.concurrency_limits.tend(scope, self)

    def wake(self, scope: str, place: LimitEntry) -> None:
        """Takes a run on that was admitted."""
        try:
            run = self.runs.get_run(place.run_id)
        except NotFound:
            return  # the next look removes it
        self.proceed(run)

    def gone(self, scope: str, places: Sequence[LimitEntry]) -> Iterable[LimitEntry]:
        """Returns the entries whose run has ended or does not exist."""
        runs = self.runs.get_runs([place.run_id for place in places])
        return [place for place in places if place.run_id not in runs or runs[place.run_id].state.final]

    def _enter_group(self, run: Run, group: str) -> Admittance:
        scope = concurrency_group(run.organization, run.project, group)
        wait = run.concurrency_policy is not ConcurrencyPolicy.DROP
        entered = self.concurrency_limits.enter(scope, 1, _entry(run), self, wait=wait)
        if entered.inside or run.concurrency_policy is not ConcurrencyPolicy.CANCEL_RUNNING:
            return entered
        for other in self.concurrency_limits.before(scope, run.run_id):
            self._replace(other.run_id, run)
        return Admittance(self.concurrency_limits.inside(scope, run.run_id), entered.position, entered.ahead)

    def _replace(self, run_id: str, by: Run) -> None:
        try:
            self.cancel(
                run_id, f"cancelled: run {by.run_id} of concurrency group {by.concurrency_group} takes its place"
            )
        except (Conflict, NotFound):
            return  # it has ended by itself, or does not exist

    def _drop(self, run: Run, cause: str) -> Run:
        try:
            return self.runs.finish_run(run, RunState.CANCELLED, cause, self.clock())
        except Conflict:  # it was cancelled at this moment
            return self.proceed(self.runs.get_run(run.run_id))

    def _wait(self, run: Run, reason: str) -> Run:
        try:
            return self.runs.note_waiting(run.run_id, reason)
        except Conflict:  # it was admitted or cancelled at this moment
            return self.runs.get_run(run.run_id)


def _entry(run: Run) -> LimitEntry:
    return LimitEntry(holder=run.run_id, run_id=run.run_id, project=run.project, priority=run.priority)


def _scopes(run: Run) -> list[str]:
    scopes = [] if run.generated else [running_runs(run.organization)]
    if run.concurrency_group is not None:
        scopes.insert(0, concurrency_group(run.organization, run.project, run.concurrency_group))
    return scopes
