"""What an agent reports of its treatment's named steps, as it is stored."""

from cadence.domain.runners.runner import Runner
from cadence.domain.runs.step_progress import ReportedSteps, StepReport


def step_report_of(runner: Runner, reported: ReportedSteps) -> StepReport:
    """Returns the report of a runner's attempt."""
    return StepReport(
        run_id=runner.run_id,
        treatment=runner.treatment,
        attempt=runner.attempt,
        revision=reported.revision,
        steps=reported.steps,
    )
