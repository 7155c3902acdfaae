"""How Template says no."""

from cadence.domain.shared.errors import CadenceError, CapacityExhausted
from cadence.providers.rest import Refusal, RestResponse, mentions

# What it says when it has no room, or when the account may not have more: then the next pool is tried.
_FULL = ("no_capacity", "quota_exceeded")


class TemplateDialect:
    name = "Template"

    def read(self, answer: RestResponse) -> Refusal:
        """Whatever the body is: one that is broken must not break this."""
        body = answer.body if isinstance(answer.body, dict) else {}
        return Refusal(answer.status, str(body.get("code", "")), str(body.get("message", "")))

    def decide(self, refusal: Refusal, answer: RestResponse) -> type[CadenceError] | None:
        """`None`: what the status says (cadence/providers/rest.py)."""
        return CapacityExhausted if mentions(refusal, _FULL) else None
