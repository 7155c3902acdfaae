"""Takes an agent's sign of life, and answers whether to stop and in which state its inputs are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from cadence.application.runners.claim import LEASE_SECONDS
from cadence.application.runners.input_streams import InputStreams, StreamSource
from cadence.application.runners.ports import SampleStore
from cadence.application.runners.step_reports import step_report_of
from cadence.application.runs.ports import StepReportStore
from cadence.application.shared.ports import Clock
from cadence.application.shared.runner_ports import FollowedRunner, RunnerStore, Specs
from cadence.domain.runners.resources import ResourceSample, peaks
from cadence.domain.runners.runner import Runner, RunnerState, session_over
from cadence.domain.runs.step_progress import ReportedSteps
from cadence.domain.shared.errors import Conflict


@dataclass(frozen=True)
class HeartbeatAnswer:
    """The answer to a heartbeat: `cancel` is a reason to stop, `follow` whether the run's log is being followed.

    `shells` are the users of the shells that are permitted on the runner, by the shell's id.
    """

    cancel: str | None
    follow: bool
    inputs: Mapping[str, StreamSource]
    shells: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Heartbeat:
    """Keeps the lease of a working runner."""

    specs: Specs
    runners: RunnerStore
    sources: InputStreams
    samples: SampleStore
    step_reports: StepReportStore
    clock: Clock
    permitted_shells: Callable[[Runner], Mapping[str, str]]
    """A function to the users of a runner's shells, by the shell's id."""

    def beat(
        self, sender: FollowedRunner, phase: str, samples: Sequence[ResourceSample], steps: ReportedSteps | None = None
    ) -> HeartbeatAnswer:
        """Renews the lease; stores the samples, and the progress of steps if that has changed.

        Raises Gone if the runner was lost meanwhile.
        """
        runner, now = sender.runner, self.clock()
        try:
            renewed = self.runners.change_runner(
                runner.runner_id,
                {RunnerState.CLAIMED},
                lease_until=now + timedelta(seconds=LEASE_SECONDS),
                phase=phase,
                peaks=peaks(runner.peaks, samples),
            )
        except Conflict:
            raise session_over(self.runners.get_runner(runner.runner_id)) from None
        if samples:
            self.samples.add(runner.runner_id, samples)
        if steps is not None:
            self.step_reports.put_steps(step_report_of(runner, steps))
        spec = self.specs(runner.run_id, runner.treatment)
        inputs = self.sources.find_all(runner.run_id, spec.inputs)
        followed = sender.is_followed(now)
        return HeartbeatAnswer(renewed.cancel_reason, followed, inputs, self.permitted_shells(renewed))
