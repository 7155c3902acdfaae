"""States of runs and treatments."""

from enum import StrEnum


class RunState(StrEnum):
    """The state of a run."""

    PENDING = "pending"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"

    @property
    def final(self) -> bool:
        """Whether the run has ended."""
        return self in _FINAL_RUN_STATES


_FINAL_RUN_STATES = frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED, RunState.TIMED_OUT})


class TreatmentState(StrEnum):
    """The state of a treatment."""

    PENDING = "pending"
    READY = "ready"
    PLACING = "placing"
    BOOTING = "booting"
    RUNNING = "running"
    INTERRUPTED = "interrupted"  # the end of an attempt only: the treatment goes on elsewhere
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    LOST = "lost"
    TIMED_OUT = "timed_out"

    @property
    def final(self) -> bool:
        """Whether the treatment has ended."""
        return self in _FINAL_TREATMENT_STATES

    @property
    def ends_attempt(self) -> bool:
        """Whether an attempt in this state has ended, be it the treatment's last one or not."""
        return self.final or self is TreatmentState.INTERRUPTED


_FINAL_TREATMENT_STATES = frozenset(
    {
        TreatmentState.SUCCEEDED,
        TreatmentState.FAILED,
        TreatmentState.SKIPPED,
        TreatmentState.CANCELLED,
        TreatmentState.LOST,
        TreatmentState.TIMED_OUT,
    }
)
FAILED_TREATMENT_STATES = frozenset({TreatmentState.FAILED, TreatmentState.LOST, TreatmentState.TIMED_OUT})
UNFINISHED_TREATMENT_STATES = frozenset(TreatmentState) - _FINAL_TREATMENT_STATES
# In these states placing may be repeated; it goes on in another pool if one had no room.
PLACEABLE = frozenset({TreatmentState.READY, TreatmentState.PLACING, TreatmentState.BOOTING})
