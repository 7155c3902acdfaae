"""A treatment's runner has called home: the treatment runs, its streams are open, and its machine waits for the result."""

from contextlib import suppress
from dataclasses import dataclass

from cadence.application.feed import Feeder
from cadence.application.ports import Clock, Machines, RunnerStore, RunStore
from cadence.domain.errors import Cancelled, Conflict, RunnerLost, TimedOut
from cadence.domain.run import TreatmentState
from cadence.domain.runner import RunnerState


@dataclass(frozen=True)
class Hold:
    runs: RunStore
    runners: RunnerStore
    machines: Machines
    feeder: Feeder
    clock: Clock

    def __call__(self, run_id: str, treatment: str, runner_id: str, task_token: str) -> None:
        """Keeps `task_token`, and answers it at once if the runner's end came first. Safe to repeat.

        Raises Cancelled (the run is being stopped), RunnerLost (the runner is gone already) or TimedOut (its time is over).
        """
        runner = self.runners.get_runner(runner_id)
        try:
            held = self.runs.advance(
                run_id,
                treatment,
                runner.attempt,
                {TreatmentState.BOOTING, TreatmentState.RUNNING},
                TreatmentState.RUNNING,
                started_at=runner.claimed_at or self.clock(),
            )
        except Conflict:
            raise Cancelled(f"{treatment} was settled before its runner began") from None
        self.feeder.opened(run_id, treatment)
        runner = self.runners.keep_execute_token(runner_id, task_token)
        if runner.result is not None:
            self.machines.succeed(task_token, {"runner_id": runner_id})
            return
        if runner.state is not RunnerState.CLAIMED:
            raise RunnerLost(f"runner {runner_id} was lost as soon as it had begun")
        # Looked at after the token is kept: whoever stops the run from now on finds the token.
        run = self.runs.get_run(run_id)
        if run.stop_requested or run.state.final:
            reason = run.cause or f"run {run_id} is being stopped"
            with suppress(Conflict):  # it ended by itself meanwhile
                self.runners.change_runner(runner_id, {RunnerState.CLAIMED}, cancel_reason=reason)
            raise Cancelled(reason)
        if held.cancel_reason:
            with suppress(Conflict):
                self.runners.change_runner(runner_id, {RunnerState.CLAIMED}, cancel_reason=held.cancel_reason)
            raise Cancelled(held.cancel_reason)
        if runner.cancel_reason:
            cancelled = self.runs.get_treatment(run_id, treatment).cancel_reason
            raise Cancelled(cancelled) if cancelled else TimedOut(runner.cancel_reason)
