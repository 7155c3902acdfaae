"""Finds what stays silent: runners without heartbeat, boots without end, runs and treatments past their deadline.

Every runner and every run has one wake-up on its way at a time; each wake-up acts or sends the next one. Nothing is scanned.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cadence.application.ports import Clock, Deadlines, Machines, RunnerStore, RunStore
from cadence.domain.errors import BootTimedOut, CadenceError, Cancelled, Conflict, NotFound, RunnerLost, TimedOut
from cadence.domain.run import RunState
from cadence.domain.runner import Runner, RunnerState

OFFER_CHECK = timedelta(seconds=60)


@dataclass(frozen=True)
class Watchdog:
    runs: RunStore
    runners: RunnerStore
    machines: Machines
    deadlines: Deadlines
    clock: Clock

    def run(self, run_id: str) -> None:
        try:
            run = self.runs.get_run(run_id)
        except NotFound:
            return
        if run.state.final or run.started_at is None:
            return
        due = run.started_at + timedelta(seconds=run.max_duration)
        if self.clock() < due:
            self.deadlines.watch_run(run_id, due - self.clock())
            return
        error = TimedOut(f"the run took longer than its max_duration of {run.max_duration} s")
        try:
            run = self.runs.request_stop(run_id, RunState.TIMED_OUT, error.message)
        except Conflict:
            return
        # Repeated if the run was to be stopped before: whoever asked may have failed between asking and this.
        if run.machine_token:
            self.machines.fail(run.machine_token, error)

    def runner(self, runner_id: str) -> None:
        try:
            runner = self.runners.get_runner(runner_id)
        except NotFound:
            return
        token = runner.execute_token or runner.launch_token
        if runner.state is RunnerState.LOST and token:
            # Again, in case an earlier call marked it lost and went no further.
            self.machines.fail(token, RunnerLost(f"runner {runner_id} was lost"))
        if not runner.state.live:
            return
        now = self.clock()
        overdue = self._overdue(runner, now)
        if overdue is None:
            self.deadlines.watch_runner(runner_id, _next_look(runner, now))
        elif self._mark(runner, overdue):
            if token:
                self.machines.fail(token, overdue)
        else:
            self.deadlines.watch_runner(runner_id, timedelta(seconds=1))

    def _overdue(self, runner: Runner, now: datetime) -> CadenceError | None:
        if runner.state is RunnerState.OFFERED:
            run = self.runs.get_run(runner.run_id)
            return Cancelled(run.cause or "the run was stopped") if run.stop_requested or run.state.final else None
        if runner.state is RunnerState.BOOTING:
            begun = runner.booting_at or runner.created_at
            if now >= begun + timedelta(seconds=runner.boot_deadline):
                return BootTimedOut(
                    f"the runner did not call home within {runner.boot_deadline} s of starting on pool {runner.pool}"
                )
            return None
        if runner.lease_until and now >= runner.lease_until:
            where = f"host {runner.host_id}" if runner.host_id else f"pool {runner.pool}"
            return RunnerLost(
                f"the runner on {where} sent no heartbeat since its lease ran out at {runner.lease_until:%H:%M:%S} UTC"
            )
        if runner.deadline and now >= runner.deadline:
            return TimedOut("the treatment took longer than its max_duration")
        return None

    def _mark(self, runner: Runner, overdue: CadenceError) -> bool:
        """False if the runner moved on since it was read: it is alive after all."""
        if not isinstance(overdue, TimedOut):
            return self.runners.declare_lost(runner)
        try:
            self.runners.change_runner(runner.runner_id, {RunnerState.CLAIMED}, cancel_reason=overdue.message)
        except Conflict:
            return False
        return True


def _next_look(runner: Runner, now: datetime) -> timedelta:
    if runner.state is RunnerState.OFFERED:
        return OFFER_CHECK
    if runner.state is RunnerState.BOOTING:
        due = (runner.booting_at or runner.created_at) + timedelta(seconds=runner.boot_deadline)
    else:
        due = min(moment for moment in (runner.lease_until, runner.deadline, now + OFFER_CHECK) if moment)
    return max(due - now, timedelta(seconds=1))
