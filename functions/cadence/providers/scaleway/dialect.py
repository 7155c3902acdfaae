"""How Scaleway's APIs say no."""

from cadence.domain.shared.errors import CadenceError, CapacityExhausted, Conflict, Transient
from cadence.providers.rest import Refusal, RestResponse, mentions

# `type` of the answer, or what its message says: kinds of machines that are sold out, and limits of the account.
_FULL = ("out_of_stock", "out of stock", "quotas_exceeded", "quota exceeded", "quota(s) exceeded", "shortage")
_CHANGING = ("transient_state", "resource_still_in_use")


class ScalewayDialect:
    name = "Scaleway"

    def read(self, answer: RestResponse) -> Refusal:
        body = answer.body if isinstance(answer.body, dict) else {}
        code, words = str(body.get("precondition") or body.get("type") or ""), str(body.get("message") or "")
        return Refusal(answer.status, code, " ".join((words, *_details(body))))

    def decide(self, refusal: Refusal, answer: RestResponse) -> type[CadenceError] | None:
        if mentions(refusal, _FULL):
            return CapacityExhausted
        if refusal.code in _CHANGING:
            return Conflict
        if refusal.code == "too_many_requests":
            return Transient
        return None


def _details(body: dict[str, object]) -> list[str]:
    """`details` of wrong arguments, and `fields` as the instance API gives them: which one, and why."""
    found: list[str] = []
    details = body.get("details")
    for one in details if isinstance(details, list) else ():
        if isinstance(one, dict):
            parts = (one.get("argument_name"), one.get("resource"), one.get("reason"), one.get("help_message"))
            found.append(" ".join(str(part) for part in parts if part))
    fields = body.get("fields")
    if isinstance(fields, dict):
        found += [f"{name}: {why}" for name, why in fields.items()]
    return found
