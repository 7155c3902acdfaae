"""Reads the refusals of Scaleway's APIs."""

from cadence.domain.shared.errors import CadenceError, CapacityExhausted, Conflict, Transient
from cadence.providers.rest import Refusal, RestResponse, mentions

# In the answer's `type` or message: kinds of machines that are sold out, and limits of the account.
_FULL = ("out_of_stock", "out of stock", "quotas_exceeded", "quota exceeded", "quota(s) exceeded", "shortage")
_CHANGING = ("transient_state", "resource_still_in_use")


class ScalewayDialect:
    """Implements `Dialect`."""

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
    """Returns `details` of wrong arguments, and `fields` as the instance API gives them: each with its reason."""
    texts: list[str] = []
    details = body.get("details")
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict):
            parts = (
                detail.get("argument_name"),
                detail.get("resource"),
                detail.get("reason"),
                detail.get("help_message"),
            )
            texts.append(" ".join(str(part) for part in parts if part))
    fields = body.get("fields")
    if isinstance(fields, dict):
        texts += [f"{name}: {reason}" for name, reason in fields.items()]
    return texts
