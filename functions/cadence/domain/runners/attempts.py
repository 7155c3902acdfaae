"""A treatment as it was in one of its attempts."""

from dataclasses import replace

from cadence.domain.runners.runner import Runner
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import TreatmentState
from cadence.domain.shared.errors import NotFound


def in_attempt(treatment: Treatment, attempt: int, runner: Runner | None) -> Treatment:
    """Returns the treatment as an attempt left it; for its latest attempt, itself.

    `runner` is that of the attempt; None if it had none. History and counts of failures stay those of all attempts.
    Raises NotFound if there was no such attempt.
    """
    if attempt > treatment.attempt:
        so_far = f"{treatment.attempt} attempt{'s' * (treatment.attempt != 1)}"
        raise NotFound(f"Treatment {treatment.name!r} has no attempt {attempt}: it has had {so_far}.")
    if attempt == treatment.attempt:
        return treatment
    changes = [change for change in treatment.history if change.attempt == attempt]
    since = {TreatmentState(change.state): change.at for change in reversed(changes)}  # the first time of each state
    last = changes[-1] if changes else None
    result = runner.result if runner else None
    return replace(
        treatment,
        attempt=attempt,
        state=TreatmentState(last.state) if last else TreatmentState.LOST,
        cause=(last.note or None) if last else None,
        exit_code=result.exit_code if result else None,
        pool=runner.pool if runner else None,
        placement=None,
        waiting_for=None,
        soft_failed=False,
        ready_at=since.get(TreatmentState.READY) or since.get(TreatmentState.PLACING),
        placed_at=runner.placed_at if runner else None,
        started_at=since.get(TreatmentState.RUNNING),
        finished_at=last.at if last else None,
    )
