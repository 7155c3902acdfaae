"""The progress of a treatment's named steps, as its agent reports it and as it is shown."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cadence.domain.pipelines.step_spec import StepSpec
from cadence.domain.runs.states import TreatmentState

_PENDING, _RUNNING, _SKIPPED, _SUCCEEDED = "pending", "running", "skipped", "succeeded"


@dataclass(frozen=True, kw_only=True)
class StepProgress:
    """The state of one step, in the words for treatments, with its times and its exit code."""

    state: str
    started_at: datetime | None = None
    finished_at: datetime | None = None
    exit_code: int | None = None


@dataclass(frozen=True)
class ReportedSteps:
    """The progress of all steps as an agent reports it. Its `revision` rises with each change."""

    revision: int
    steps: tuple[StepProgress, ...]


@dataclass(frozen=True, kw_only=True)
class StepReport:
    """The progress of all steps of one attempt, in their order. A report with a higher `revision` is newer."""

    run_id: str
    treatment: str
    attempt: int
    revision: int
    steps: tuple[StepProgress, ...]

    def is_newer_than(self, other: "StepReport") -> bool:
        """Whether this report replaces another one of the same attempt."""
        return self.revision >= other.revision


def progress_of(
    steps: Sequence[StepSpec], state: TreatmentState, attempt: int, report: StepReport | None
) -> Sequence[StepProgress]:
    """Returns the progress of a treatment's steps in its attempt `attempt`, which is or was last in `state`.

    A runner that is lost makes no last report: steps that it left open end with the treatment.
    """
    if report is None or report.attempt != attempt or len(report.steps) != len(steps):
        progress = tuple(StepProgress(state=_SKIPPED if step.skip else _PENDING) for step in steps)
    else:
        progress = report.steps
    if not state.ends_attempt:
        return progress
    left = {_RUNNING: _SUCCEEDED if state is TreatmentState.SUCCEEDED else str(state), _PENDING: _SKIPPED}
    return [replace(one, state=left.get(one.state, one.state)) for one in progress]
