"""Reads the refusals of Google's APIs: immediate ones, or in an operation that failed."""

from collections.abc import Mapping
from typing import Any

from cadence.domain.shared.errors import CadenceError, CapacityExhausted, Conflict, ProviderRejected, Transient
from cadence.providers.hidden import Hidden
from cadence.providers.rest import LONGEST_WORDS, Refusal, RestResponse, mentions

_FULL = (
    "zone_resource_pool_exhausted",
    "resource_pool_exhausted",
    "resource_availability",
    "stockout",
    "does not have enough resources",
    "quotaexceeded",
    "quota_exceeded",
    "quota exceeded",
    "limitexceeded",
)
# Rates of calls are limits too, but temporary ones.
_RATES = ("ratelimitexceeded", "rate_limit_exceeded", "userratelimitexceeded")
_LATER = ("backenderror", "internalerror", "internal_error", "resourcenotready", "resource_not_ready")


class GcpDialect:
    """Implements `Dialect`."""

    name = "Google Cloud"

    def read(self, answer: RestResponse) -> Refusal:
        error = answer.body.get("error") if isinstance(answer.body, dict) else None
        if not isinstance(error, dict):
            return Refusal(answer.status, "", "")
        errors = error.get("errors")
        first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
        return Refusal(
            answer.status, str(first.get("reason") or error.get("status") or ""), str(error.get("message", ""))
        )

    def decide(self, refusal: Refusal, answer: RestResponse) -> type[CadenceError] | None:
        return _meaning(refusal)


def failure(operation: Mapping[str, Any], hidden: Hidden) -> CadenceError | None:
    """Returns the error of an operation; None if it has not failed, or not yet."""
    errors = (operation.get("error") or {}).get("errors") or ()
    if not errors:
        return None
    first = errors[0]
    refusal = Refusal(
        int(operation.get("httpErrorStatusCode") or 0), str(first.get("code", "")), str(first.get("message", ""))
    )
    kind = _meaning(refusal) or (Transient if refusal.status >= 500 else ProviderRejected)
    code, message = hidden.cut(refusal.code), hidden.cut(refusal.words or refusal.code)[:LONGEST_WORDS]
    return kind(f"{GcpDialect.name}: {message} ({code})", reason=code)


def _meaning(refusal: Refusal) -> type[CadenceError] | None:
    code = refusal.code.lower()
    if code in _RATES:
        return Transient
    if mentions(refusal, _FULL):
        return CapacityExhausted
    if code in _LATER:
        return Transient
    if code == "alreadyexists":
        return Conflict
    return None
