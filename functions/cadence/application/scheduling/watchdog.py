"""Handles what stays silent: runners without heartbeat, boots without end, runs and treatments past their deadline.

Every run has one wake-up pending at a time, and so has every runner of a provider; those of hosts are looked at with
their run. Each wake-up acts or sends the next one. Nothing is scanned.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cadence.application.limits.approvals import TreatmentApprovals
from cadence.application.limits.run_gates import RunGates
from cadence.application.limits.runner_slots import RunnerSlots
from cadence.application.runs.end_process import EndProcess
from cadence.application.runs.finalise import Finalise
from cadence.application.scheduling.end_engine import ENGINE_ENDS_WITHIN, ask_engine_to_end
from cadence.application.scheduling.settle import Settle
from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import Deadlines, Machines, RunStore, TreatmentStore
from cadence.application.shared.runner_ports import RunnerStore
from cadence.application.shared.waiting_runs import answer_waiting
from cadence.domain.limits.concurrency_limit import is_for_runs
from cadence.domain.pipelines.specification import TreatmentKind
from cadence.domain.placement.pool import HOST
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.runs.run import Run, Treatment, first_look
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.shared import ids
from cadence.domain.shared.errors import (
    BootTimedOut,
    CadenceError,
    Cancelled,
    Conflict,
    NotFound,
    NotReady,
    RunnerLost,
    TimedOut,
    Transient,
)

# The longest time between two looks, so that a stop whose caller was interrupted is carried out.
CHECK = timedelta(seconds=60)
# How long a run's machine may take to end it after its deadline. Longer than the machine itself waits.
STOP_TAKES = timedelta(minutes=20)
# A run that waits for its turn is admitted when another leaves: this look is a safety net.
WAITING_CHECK = timedelta(minutes=15)
LONGEST_WAIT = timedelta(days=7)
# Of one look at a run, which has a minute: attempts, and the time for them. A busy run is looked at again soon.
_MOST_AT_ONCE = 500
_LONGEST_LOOK = timedelta(seconds=20)
_SOON = timedelta(seconds=1)
_AT_WORK = frozenset({TreatmentState.READY, TreatmentState.PLACING, TreatmentState.BOOTING, TreatmentState.RUNNING})


@dataclass(frozen=True, kw_only=True)
class Watchdog:
    """Handles the wake-ups of the queue `deadlines`."""

    runs: RunStore
    treatments: TreatmentStore
    runners: RunnerStore
    runners_of: Callable[[Iterable[str]], Mapping[str, Runner]]
    machines: Machines
    deadlines: Deadlines
    settle: Settle
    finalise: Finalise
    gates: RunGates
    slots: RunnerSlots
    approvals: TreatmentApprovals
    end_process: EndProcess
    clock: Clock
    unclaimed_offers: Callable[[Runner], NotReady | None]
    """Returns the error for the machine of a runner that is offered to hosts; None to wait on."""

    def run(self, run_id: str, admitted: bool = False) -> None:
        """Looks at a run.

        Ends it if it is overdue, repeats what an interrupted call left undone, or sends the next wake-up; not if the
        admission of a run that had waited has sent wake-ups of its own, of which this is none (`admitted`).
        """
        try:
            run = self.runs.get_run(run_id)
        except NotFound:
            return
        if run.state.final:
            # Repeated, in case the call that ended it was interrupted.
            answer_waiting(self.machines, run)
            return
        now = self.clock()
        due = _due(run)
        if run.recorded:
            if not self.end_process.end(run_id).state.final:
                self.deadlines.watch_run(run_id, max(due - now, CHECK))
            return
        if now >= due + STOP_TAKES and run.started_at is not None:
            self.finalise.finalise(run_id)
            return
        if now >= due:
            self._end_overdue(run)
            due += STOP_TAKES
        elif run.started_at is None:
            # The call that created it, or admitted it, may have been interrupted before it started the machine.
            due = min(due, now + (first_look(run.max_duration) if run.waiting_for is None else WAITING_CHECK))
            run = self.gates.proceed(run)
            if run.state.final:
                return
        elif run.stop_requested and run.machine_token:
            # The call that requested the stop may have been interrupted before it reached the machine.
            self.machines.fail(run.machine_token, Cancelled(run.cause or "the run was stopped"))
        self._look_again(run, due - now, now, admitted)

    def _look_again(self, run: Run, latest: timedelta, now: datetime, admitted: bool) -> None:
        treatments = self.treatments.list_treatments(run.run_id) if run.started_at is not None else ()
        again = self._look_at_attempts(run, treatments, now)
        if admitted or not (run.waited and treatments):
            self.deadlines.watch_run(run.run_id, min(latest, again), admitted=admitted)

    def runner(self, runner_id: str, task_token: str | None = None) -> None:
        """Looks at a provider's runner; `task_token` is what waited for it when the wake-up was requested."""
        try:
            runner = self.runners.get_runner(runner_id)
        except NotFound:
            if task_token:
                # The call that was to create it has answered by now (then this has no effect), or was interrupted.
                self.machines.fail(task_token, _not_requested(runner_id))
            return
        again = self._look(runner, self.runs.get_run(runner.run_id), task_token)
        if again:
            self.deadlines.watch_runner(runner_id, again, task_token)

    def _look_at_attempts(self, run: Run, treatments: Sequence[Treatment], now: datetime) -> timedelta:
        """Looks at the attempts of hosts, and at those whose placing ended half-way; returns when to look again."""
        if run.started_at is None:
            return LONGEST_WAIT
        waiting = [
            ids.runner_id(run.run_id, treatment.name, treatment.attempt)
            for treatment in treatments
            if treatment.kind is TreatmentKind.COMMAND and treatment.state in _AT_WORK and treatment.turn_token is None
        ]
        # Of many, each look begins with others: with those whose turn in the minute it is.
        first = int(now.timestamp() % CHECK.total_seconds() / CHECK.total_seconds() * len(waiting))
        several = (waiting[first:] + waiting[:first])[:_MOST_AT_ONCE]
        runners, again = self.runners_of(several), CHECK * (len(several) / max(len(waiting), 1) or 1)
        for runner_id in several:
            if self.clock() > now + _LONGEST_LOOK:
                return _SOON
            if runner_id not in runners:
                self.machines.fail_kept(runner_id, now - CHECK, _not_requested(runner_id))
            elif runners[runner_id].provider == HOST:
                again = min(again, self._look(runners[runner_id], run) or CHECK)
        return again

    def _look(self, runner: Runner, run: Run, task_token: str | None = None) -> timedelta | None:
        """Returns when to look at the runner again, None if it has ended."""
        now = self.clock()
        tokens = [token for token in dict.fromkeys((runner.task_token, task_token)) if token]
        if runner.state is RunnerState.COMPLETED:
            if task_token is None and runner.lease_until and now < runner.lease_until:
                return runner.lease_until - now  # the call that kept its result may still be settling the treatment
            # Repeated, in case that call was interrupted, or answered an obsolete launch.
            for token in tokens:
                self.machines.proceed(token, self.settle.by_machine(runner))
        elif runner.state is RunnerState.LOST:
            # Repeated, in case an earlier look marked it and was interrupted.
            for token in tokens:
                self.machines.fail(token, self._stopped(runner, run) or _silence(runner))
        elif runner.state.live:
            return self._look_at_live(runner, run, now)
        return None

    def concurrency_limit(self, scope: str) -> None:
        """Looks at a concurrency limit of runs or of runners."""
        (self.gates if is_for_runs(scope) else self.slots).tend(scope)

    def approval(self, run_id: str, treatment: str) -> None:
        """Looks at a treatment's request for approval."""
        self.approvals.look(run_id, treatment)

    def _end_overdue(self, run: Run) -> None:
        error = TimedOut(f"the run took longer than its max_duration of {run.max_duration} s")
        try:
            run = self.runs.request_stop(run.run_id, RunState.TIMED_OUT, error.message)
        except Conflict:
            return
        # Repeated if a stop was requested before: that call may have been interrupted before it reached the machine.
        if run.machine_token:
            self.machines.fail(run.machine_token, error)
        elif run.started_at is None:  # its machine never began it, so nothing else will end it
            cause = (
                f"the run never began: it waited for {run.waiting_for}" if run.waiting_for else "the run never began"
            )
            self.gates.end_unbegun(run, RunState.TIMED_OUT, cause)

    def _look_at_live(self, runner: Runner, run: Run, now: datetime) -> timedelta | None:
        overdue = self._stopped(runner, run) or _overdue(runner, now)
        if overdue is None:
            on_offer = runner.state is RunnerState.OFFERED and runner.provider == HOST
            not_ready = self.unclaimed_offers(runner) if on_offer else None
            if not_ready and runner.task_token:
                self.machines.fail(runner.task_token, not_ready)  # it is placed once more
            return _next_look(runner, now)
        first = isinstance(overdue, Cancelled) and runner.cancel_reason is None
        if first and ask_engine_to_end(self.runners, runner, overdue.message, now):
            return ENGINE_ENDS_WITHIN
        marked = self._mark(runner, overdue)
        if marked is None:
            return _SOON
        if marked.task_token:
            self.machines.fail(marked.task_token, overdue)
        return None

    def _stopped(self, runner: Runner, run: Run) -> CadenceError | None:
        if runner.is_ending(self.clock()) or not (run.stop_requested or run.state.final):
            return None
        return Cancelled(run.cause or "the run was stopped")

    def _mark(self, runner: Runner, overdue: CadenceError) -> Runner | None:
        """Returns the runner as marked, with the token its machine waits on now; None if it moved since it was read."""
        if runner.state is not RunnerState.CLAIMED or isinstance(overdue, RunnerLost):
            return self.runners.get_runner(runner.runner_id) if self.runners.declare_lost(runner) else None
        try:
            return self.runners.change_runner(
                runner.runner_id, {RunnerState.CLAIMED}, cancel_reason=runner.cancel_reason or overdue.message
            )
        except Conflict:
            return None


def _due(run: Run) -> datetime:
    """Returns when the run's time is over, counted from its start; a run that has not begun has a minute at least for
    it, and one that waits for its turn a limit of its own.
    """
    if run.started_at is not None:
        return run.started_at + timedelta(seconds=run.max_duration)
    unbegun = max(timedelta(seconds=run.max_duration), CHECK)
    return run.created_at + (unbegun if run.waiting_for is None else LONGEST_WAIT)


def _overdue(runner: Runner, now: datetime) -> CadenceError | None:
    if runner.state is RunnerState.OFFERED:
        return None  # a host may take its time
    if runner.state is RunnerState.BOOTING:
        begun = runner.booting_at or runner.created_at
        return _silence(runner) if now >= begun + timedelta(seconds=runner.boot_deadline) else None
    if runner.lease_until and now >= runner.lease_until:
        return _silence(runner)
    if runner.deadline and now >= runner.deadline:
        return TimedOut("the treatment took longer than its max_duration")
    return None


def _not_requested(runner_id: str) -> CadenceError:
    return Transient(f"runner {runner_id} was to be requested, and was not")


def _silence(runner: Runner) -> CadenceError:
    if runner.claimed_at is None:
        late = f"the runner did not call home within {runner.boot_deadline} s of starting on pool {runner.pool}"
        return BootTimedOut(f"{late}; last: {runner.phase}" if runner.phase else late)
    where = f"host {runner.host_id}" if runner.host_id else f"pool {runner.pool}"
    return RunnerLost(
        f"the runner on {where} sent no heartbeat since its lease ran out at {runner.lease_until:%H:%M:%S} UTC"
    )


def _next_look(runner: Runner, now: datetime) -> timedelta:
    boot_end = None
    if runner.state is RunnerState.BOOTING:
        boot_end = (runner.booting_at or runner.created_at) + timedelta(seconds=runner.boot_deadline)
    due = min(moment for moment in (boot_end, runner.lease_until, runner.deadline, now + CHECK) if moment)
    return max(due - now, _SOON)
