"""`RunnerStore` and `RunnerResults` in memory."""

import dataclasses
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cadence.application.shared.runner_ports import FollowedRunner
from cadence.domain.runners.runner import OutputStream, Runner, RunnerResult, RunnerState
from cadence.domain.runs.job_summary import JobSummary
from cadence.domain.runs.step_progress import StepReport
from cadence.domain.shared.errors import Conflict, Gone, NotFound
from cadence.domain.values.stream import StreamProgress


class MemoryRunnerStore:
    """Each call is atomic.

    `created` holds the ids of all runners ever created, in order; `moves` counts changes of state.
    """

    def __init__(self) -> None:
        self.runners: dict[str, Runner] = {}
        self.outputs: dict[str, dict[str, OutputStream]] = {}
        self.created: list[str] = []
        self.moves: Counter[tuple[RunnerState, RunnerState]] = Counter()

    def put_runner(self, runner: Runner) -> Runner:
        stored = self.runners.get(runner.runner_id)
        if stored is None:
            self.created.append(runner.runner_id)
            stored = runner
        elif stored.placed_at and runner.placed_at and stored.placed_at > runner.placed_at:
            raise Conflict(f"runner {runner.runner_id} was placed since")
        else:
            stored = dataclasses.replace(stored, task_token=runner.task_token)
        self.runners[runner.runner_id] = stored
        return stored

    def offer_runner(self, runner: Runner) -> None:
        stored = self.runners.get(runner.runner_id)
        if stored is None:
            self.created.append(runner.runner_id)
        else:
            elsewhere = stored.state is RunnerState.BOOTING and stored.pool != runner.pool
            if stored.cancel_reason or not (stored.state is RunnerState.OFFERED or elsewhere):
                raise Conflict(f"runner {runner.runner_id} is {stored.state}")
        self.runners[runner.runner_id] = runner

    def get_runner(self, runner_id: str) -> Runner:
        try:
            return self.runners[runner_id]
        except KeyError:
            raise NotFound(f"there is no runner {runner_id}") from None

    def get_followed_runner(self, runner_id: str) -> FollowedRunner:
        return FollowedRunner(self.get_runner(runner_id))

    def get_producer(self, runner_id: str, ports: Collection[str]) -> tuple[Runner, Mapping[str, StreamProgress]]:
        return self.get_runner(runner_id), {port: StreamProgress() for port in ports}

    def get_runners(self, runner_ids: Iterable[str]) -> Mapping[str, Runner]:
        return {runner_id: self.runners[runner_id] for runner_id in runner_ids if runner_id in self.runners}

    def change_runner(self, runner_id: str, source: Iterable[RunnerState], **changes: Any) -> Runner:
        stored = self.runners.get(runner_id)
        if stored is None or stored.state not in set(source):
            raise Conflict(f"runner {runner_id} is no longer as it was read")
        self.runners[runner_id] = dataclasses.replace(stored, **changes)
        self._moved(stored.state, self.runners[runner_id].state)
        return self.runners[runner_id]

    def move_runner(self, seen: Runner, source: Iterable[RunnerState], **changes: Any) -> Runner:
        stored = self.runners.get(seen.runner_id)
        if stored is not None and (stored.pool, stored.placed_at) != (seen.pool, seen.placed_at):
            raise Conflict(f"runner {seen.runner_id} was placed since")
        return self.change_runner(seen.runner_id, source, **changes)

    def declare_lost(self, runner: Runner) -> bool:
        stored = self.get_runner(runner.runner_id)
        if (stored.state, stored.lease_until) != (runner.state, runner.lease_until):
            return False
        self.runners[runner.runner_id] = dataclasses.replace(stored, state=RunnerState.LOST)
        self._moved(stored.state, RunnerState.LOST)
        return True

    def list_outputs(self, runner_id: str) -> Sequence[OutputStream]:
        return list(self.outputs.get(runner_id, {}).values())

    def complete(self, runner_id: str, result: RunnerResult) -> Runner:
        stored = self.get_runner(runner_id)
        if stored.result == result:
            return stored
        if stored.state in {RunnerState.LOST, RunnerState.RELEASED}:
            raise Gone(f"runner {runner_id} is {stored.state}")
        if stored.state is not RunnerState.CLAIMED:
            raise Conflict(f"runner {runner_id} is {stored.state}")
        return self.change_runner(runner_id, {RunnerState.CLAIMED}, state=RunnerState.COMPLETED, result=result)

    def complete_session(self, runner_id: str, session_hash: str, result: RunnerResult) -> Runner | None:
        stored = self.runners.get(runner_id)
        if stored is None or (stored.state, stored.session_hash) != (RunnerState.CLAIMED, session_hash):
            return None
        return self.complete(runner_id, result) if stored.result is None else None

    def _moved(self, source: RunnerState, target: RunnerState) -> None:
        if source is not target:
            self.moves[source, target] += 1

    def put_output(self, runner_id: str, stream: OutputStream) -> None:
        """What the agent of `runner_id` has sent through one port."""
        self.outputs.setdefault(runner_id, {})[stream.port] = stream


@dataclass
class MemorySummaries:
    """Implements SummaryStore."""

    summaries: dict[tuple[str, str], JobSummary] = field(default_factory=dict)

    def put_summary(self, summary: JobSummary) -> None:
        key = (summary.run_id, summary.treatment)
        known = self.summaries.get(key)
        if known is None or known.attempt <= summary.attempt:
            self.summaries[key] = summary

    def list_summaries(self, run_id: str) -> Sequence[JobSummary]:
        return [summary for key, summary in sorted(self.summaries.items()) if key[0] == run_id]


@dataclass
class MemoryStepReports:
    """Implements StepReportStore."""

    reports: dict[tuple[str, str, int], StepReport] = field(default_factory=dict)

    def put_steps(self, report: StepReport) -> None:
        key = (report.run_id, report.treatment, report.attempt)
        known = self.reports.get(key)
        if known is None or report.is_newer_than(known):
            self.reports[key] = report

    def get_steps(self, run_id: str, treatment: str, attempt: int | None = None) -> StepReport | None:
        attempts = [key[2] for key in self.reports if key[:2] == (run_id, treatment) and attempt in {None, key[2]}]
        return self.reports[run_id, treatment, max(attempts)] if attempts else None
