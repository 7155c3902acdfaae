"""The outcome of a treatment, in words that messages quote."""

from cadence.domain.runs.edge import Edge, Trigger
from cadence.domain.runs.states import TreatmentState

PAST = {
    TreatmentState.SUCCEEDED: "succeeded",
    TreatmentState.FAILED: "failed",
    TreatmentState.LOST: "was lost",
    TreatmentState.INTERRUPTED: "was interrupted",
    TreatmentState.TIMED_OUT: "ran out of time",
    TreatmentState.SKIPPED: "was skipped",
    TreatmentState.CANCELLED: "was cancelled",
}
_NEVER = {
    Trigger.COMPLETED: "completes",
    Trigger.PASSED: "completes",
    Trigger.FAILED: "fails",
    Trigger.FINISHED: "finishes",
    Trigger.OPENED: "sends anything",
}


def skipped_because(edge: Edge, state: TreatmentState) -> str:
    """Returns why the consumer of an edge is skipped whose producer ended in `state`."""
    return f"{edge.producer} {PAST[state]}, so it never {_NEVER[edge.trigger]}"
