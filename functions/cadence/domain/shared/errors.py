"""The one error taxonomy. Each class has a stable `code`; the boundary (HTTP or state machine) decides what becomes of it."""

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
    """One thing wrong with a request: where (a JSON Pointer into the body, or a parameter's name) and what."""

    pointer: str
    message: str
    code: str = "invalid"


class InvalidRequest(CadenceError):
    code = "invalid_request"

    def __init__(self, message: str, violations: Sequence[Violation] = (), **details: Any) -> None:
        super().__init__(message, **details)
        self.violations = tuple(violations)


class NotFound(CadenceError):
    code = "not_found"


class Conflict(CadenceError):
    code = "conflict"


class Gone(CadenceError):
    """The caller once held something (a lease, a session) that it has lost for good: it must stop."""

    code = "gone"


class Unauthenticated(CadenceError):
    code = "unauthenticated"


class Forbidden(CadenceError):
    code = "forbidden"


class QuotaExceeded(CadenceError):
    code = "quota_exceeded"


class TooLarge(CadenceError):
    code = "too_large"


class Transient(CadenceError):
    """A throttle, a 5xx, a timeout: the same call may succeed later. `retry_after` is in seconds."""

    code = "transient"

    def __init__(self, message: str, retry_after: float = 1.0, **details: Any) -> None:
        super().__init__(message, **details)
        self.retry_after = retry_after


class NotReady(CadenceError):
    """Still booting or still terminating: ask again after a fixed interval."""

    code = "not_ready"


class CapacityExhausted(CadenceError):
    """This candidate has no room now; the next one may."""

    code = "capacity_exhausted"


class ProviderRejected(CadenceError):
    """The infrastructure refuses for good (credentials, image, quota); the message holds its own words."""

    code = "provider_rejected"


class CannotRun(CadenceError):
    """Something is missing that the treatment would need on any infrastructure."""

    code = "cannot_run"


class Cancelled(CadenceError):
    code = "cancelled"


class TimedOut(CadenceError):
    code = "timed_out"


class NotApproved(CadenceError):
    """Whoever was asked refused, or did not decide in time."""

    code = "not_approved"


class MustWait(CadenceError):
    """Something beside its inputs holds the treatment back: its machine waits on a token until it is told to go on."""

    code = "must_wait"


class RunnerLost(CadenceError):
    code = "runner_lost"


class BootTimedOut(CadenceError):
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
    """The name a state machine sees for `error`: one of `MACHINE_ERRORS`, or `InternalError`."""
    for known in MACHINE_ERRORS:
        if isinstance(error, known):
            return known.__name__
    return "InternalError"
