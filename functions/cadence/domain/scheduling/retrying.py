"""Further attempts of a treatment: whether there is one, and after how long."""

from random import Random

from cadence.domain.pipelines.specification import RetrySpec
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import TreatmentState
from cadence.domain.shared import ids

# The field of a treatment that counts the attempts which ended so, against what its `retry` allows.
COUNTERS = {
    TreatmentState.LOST: "infrastructure_failures",
    TreatmentState.FAILED: "failures",
    TreatmentState.TIMED_OUT: "timeouts",
    TreatmentState.INTERRUPTED: "interruptions",
}
# A pool whose machines are taken away more often than this cannot run the treatment.
MOST_INTERRUPTIONS = 20


def may_retry(treatment: Treatment, retry: RetrySpec, state: TreatmentState, exit_code: int | None) -> bool:
    """Returns whether an attempt that ended in `state` is followed by another.

    Failures count only with a listed exit code, if `retry` lists any.
    """
    match state:
        case TreatmentState.LOST:
            return treatment.infrastructure_failures < retry.infrastructure
        case TreatmentState.INTERRUPTED:
            return treatment.interruptions < MOST_INTERRUPTIONS
        case TreatmentState.TIMED_OUT:
            return treatment.timeouts < retry.timeout
        case TreatmentState.FAILED:
            retryable = not retry.exit_codes or exit_code in retry.exit_codes
            return retryable and treatment.failures < retry.failure
        case _:
            return False


def wait_seconds(treatment: Treatment, retry: RetrySpec) -> int:
    """Returns the seconds before the present attempt: full jitter, up to a time that doubles with each attempt.

    The result is always the same for one attempt.
    """
    if treatment.interruptions == treatment.attempt - 1:
        return 0  # no attempt has failed so far
    longest = min(retry.wait * 2 ** max(0, treatment.attempt - 2), retry.max_wait)
    if longest <= 0:
        return 0
    chosen = Random(ids.runner_id(treatment.run_id, treatment.name, treatment.attempt))
    return chosen.randint(0, longest)
