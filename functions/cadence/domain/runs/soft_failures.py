"""Failures of treatments that do not fail their run (`soft_fail`)."""

from cadence.domain.pipelines.specification import SoftFailSpec
from cadence.domain.runs.states import FAILED_TREATMENT_STATES, TreatmentState


def soft_failed(allowed: SoftFailSpec | None, state: TreatmentState, exit_code: int | None) -> bool:
    """Returns whether a treatment that ends in `state` fails, but its run does not because of it."""
    if allowed is None or state not in FAILED_TREATMENT_STATES:
        return False
    return not allowed.exit_codes or (state is TreatmentState.FAILED and exit_code in allowed.exit_codes)
