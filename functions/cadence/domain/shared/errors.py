"""The error taxonomy.

Each class has a stable `code`; the boundary (HTTP or state machine) maps it to its own answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class CadenceError(Exception):
    """An error whose message may be shown to the caller.

    `code` is stable and machine readable; `details` holds JSON values only and never a secret.
    """

    code = "internal"

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details: Mapping[str, Any] = details


@dataclass(frozen=True)
class Violation:
    """One mistake in a request: its place (a JSON Pointer into the body, or a parameter's name) and a message."""

    pointer: str
    message: str
    code: str = "invalid"


class InvalidRequest(CadenceError):
    """Signals a request with mistakes; `violations` lists them."""

    code = "invalid_request"

    def __init__(self, message: str, violations: Sequence[Violation] = (), **details: Any) -> None:
        super().__init__(message, **details)
        self.violations = tuple(violations)


class NotFound(CadenceError):
    """Signals that the requested object does not exist, or not for this caller."""

    code = "not_found"


class Conflict(CadenceError):
    """Signals that the request contradicts the current state."""

    code = "conflict"


class Gone(CadenceError):
    """Signals that the caller has lost a lease or a session for good: it must stop."""

    code = "gone"


class Unauthenticated(CadenceError):
    """Signals that a request has no valid credentials."""

    code = "unauthenticated"


class Forbidden(CadenceError):
    """Signals that the caller lacks a permission."""

    code = "forbidden"


class QuotaExceeded(CadenceError):
    """Signals that a request would exceed a quota."""

    code = "quota_exceeded"


class TooLarge(CadenceError):
    """Signals that a request or its answer is larger than allowed."""

    code = "too_large"


class Transient(CadenceError):
    """Signals a throttle, a 5xx or a timeout: the same call may succeed later. `retry_after` is in seconds."""

    code = "transient"

    def __init__(self, message: str, retry_after: float = 1.0, **details: Any) -> None:
        super().__init__(message, **details)
        self.retry_after = retry_after


class NotReady(CadenceError):
    """Signals that a machine still boots or still terminates: the call is repeated after a fixed interval."""

    code = "not_ready"


class CapacityExhausted(CadenceError):
    """Signals that this candidate has no room now; the next one may have."""

    code = "capacity_exhausted"


class ProviderRejected(CadenceError):
    """Signals that the infrastructure refuses for good (credentials, image, quota); the message quotes it."""

    code = "provider_rejected"


class CannotRun(CadenceError):
    """Signals that the treatment lacks something it needs on any infrastructure."""

    code = "cannot_run"


class Cancelled(CadenceError):
    """Signals that the run or the treatment was cancelled."""

    code = "cancelled"


class TimedOut(CadenceError):
    """Signals that the treatment took longer than its `max_duration`."""

    code = "timed_out"


class NotApproved(CadenceError):
    """Signals that an approval was refused, or not given in time."""

    code = "not_approved"


class MustWait(CadenceError):
    """Signals that something beside its inputs holds the treatment back: its machine waits for a task's token."""

    code = "must_wait"


class RunnerLost(CadenceError):
    """Signals that a runner stopped sending heartbeats or was taken away."""

    code = "runner_lost"


class BootTimedOut(CadenceError):
    """Signals that a runner did not connect in time after its launch."""

    code = "boot_timed_out"


# State machines match error names exactly, so every error that reaches one is collapsed to one of these names.
MACHINE_ERRORS: tuple[type[CadenceError], ...] = (
    Transient,
    NotReady,
    CapacityExhausted,
    ProviderRejected,
    CannotRun,
    Cancelled,
    TimedOut,
    RunnerLost,
    BootTimedOut,
    NotApproved,
    MustWait,
)


def machine_error_name(error: BaseException) -> str:
    """Returns the name a state machine sees for `error`: one of `MACHINE_ERRORS`, or `InternalError`."""
    for known in MACHINE_ERRORS:
        if isinstance(error, known):
            return known.__name__
    return "InternalError"
