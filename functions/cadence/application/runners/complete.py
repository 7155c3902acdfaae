"""Takes the result that an agent hands in with its last call."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from cadence.application.runners.ports import RunnerResults
from cadence.application.runners.runner_sessions import RunnerSessions
from cadence.application.runners.runner_tokens import bearer, token_hash
from cadence.application.runners.step_reports import step_report_of
from cadence.application.runs.ports import StepReportStore, SummaryStore
from cadence.application.scheduling.settle import Settle
from cadence.application.shared.run_ports import Machines
from cadence.domain.runners.runner import Runner, RunnerResult, RunnerState
from cadence.domain.runs.job_summary import JobSummary
from cadence.domain.runs.step_progress import ReportedSteps
from cadence.domain.scheduling.machine_step import MachineStep

_log = logging.getLogger("cadence.settle")
_REPEATABLE = (RunnerState.CLAIMED, RunnerState.COMPLETED, RunnerState.RELEASED)


@dataclass(frozen=True)
class Complete:
    """Completes a runner; `ended` is called with one that has an engine, once its result is stored."""

    sessions: RunnerSessions
    results: RunnerResults
    settle: Settle
    machines: Machines
    ended: Callable[[Runner], None]
    summaries: SummaryStore
    step_reports: StepReportStore

    def complete(
        self,
        runner_id: str,
        authorization: str | None,
        result: RunnerResult,
        summary: str | None = None,
        steps: ReportedSteps | None = None,
    ) -> None:
        """Stores the result, settles the treatment if that is quick, and answers its state machine. Safe to repeat.

        `summary` is the Markdown that the treatment wrote, if any; `steps` is what its steps came to, if it has any.

        The write itself checks the session token of the agent. Raises Unauthenticated, Gone (the runner was lost) or
        Conflict (another result is stored, see `RunnerResults`).
        """
        session = token_hash(bearer(authorization))
        completed = self.results.complete_session(runner_id, session, result)
        if completed is None:
            # Refused, or a repeated result, whose first answer was lost: it may find the runner released already.
            self.sessions.check(runner_id, authorization, _REPEATABLE)
            completed = self.results.complete(runner_id, result)
        if summary:
            # After the result, by which the agent is known; it repeats the call until it has an answer.
            self.summaries.put_summary(JobSummary(completed.run_id, completed.treatment, completed.attempt, summary))
        if steps is not None:
            self.step_reports.put_steps(step_report_of(completed, steps))
        if completed.engine is not None:
            self.ended(completed)
        if completed.task_token:
            step, token = self._step(completed)
            if token:
                self.machines.proceed(token, step)

    def _step(self, runner: Runner) -> tuple[MachineStep, str | None]:
        try:
            return self.settle.quickly(runner)
        except Exception:  # noqa: BLE001 - the result is stored: the state machine settles, and repeats it until it is done
            _log.warning("runner %s is left to its machine to be settled", runner.runner_id, exc_info=True)
            return self.settle.by_machine(runner), runner.task_token
