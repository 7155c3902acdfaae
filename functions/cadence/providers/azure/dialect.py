"""Reads the refusals of Azure's Resource Manager: immediate ones, or in the state of a machine that failed."""

from collections.abc import Mapping
from typing import Any

from cadence.domain.shared.errors import CadenceError, CapacityExhausted, Conflict, ProviderRejected, Transient
from cadence.providers.hidden import Hidden
from cadence.providers.rest import LONGEST_WORDS, Refusal, RestResponse, mentions

_FULL = (
    "skunotavailable",
    "allocationfailed",
    "overconstrained",
    "quotaexceeded",
    "exceeding approved",
    "quota limit",
    "insufficient capacity",
)
_THERE = ("preconditionfailed",)
_LATER = ("toomanyrequests", "internalexecutionerror", "internaloperationerror", "retryableerror", "servertimeout")


class AzureDialect:
    """Implements `Dialect`."""

    name = "Azure"

    def read(self, answer: RestResponse) -> Refusal:
        error = answer.body.get("error") if isinstance(answer.body, dict) else None
        if not isinstance(error, dict):
            return Refusal(answer.status, "", "")
        details = error.get("details")
        entries = [detail for detail in details if isinstance(detail, dict)] if isinstance(details, list) else []
        words = [str(error.get("message") or ""), *(str(detail.get("message") or "") for detail in entries)]
        return Refusal(answer.status, str(error.get("code") or ""), " ".join(dict.fromkeys(filter(None, words))))

    def decide(self, refusal: Refusal, answer: RestResponse) -> type[CadenceError] | None:
        return _meaning(refusal)


def failure(machine: Mapping[str, Any], hidden: Hidden) -> CadenceError:
    """Returns why a machine is in the state `Failed`, from its instance view."""
    statuses = (machine["properties"].get("instanceView") or {}).get("statuses") or ()
    failed: Mapping[str, Any] = next(
        (status for status in statuses if str(status.get("code", "")).lower().startswith("provisioningstate/failed")),
        {},
    )
    code = str(failed.get("code", "")).rsplit("/", 1)[-1]
    refusal = Refusal(0, code, str(failed.get("message") or failed.get("displayStatus") or "provisioning failed"))
    kind = _meaning(refusal) or ProviderRejected
    code, message = hidden.cut(code), hidden.cut(refusal.words)[:LONGEST_WORDS]
    return kind(f"{AzureDialect.name}: {message} ({code})", reason=code)


def _meaning(refusal: Refusal) -> type[CadenceError] | None:
    code = refusal.code.lower()
    if mentions(refusal, _FULL):
        return CapacityExhausted
    if code in _THERE:
        return Conflict
    if code in _LATER:
        return Transient
    return None
