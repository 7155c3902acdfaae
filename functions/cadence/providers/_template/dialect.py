"""Reads the refusals of Template."""

from cadence.domain.shared.errors import CadenceError, CapacityExhausted
from cadence.providers.rest import Refusal, RestResponse, mentions

# Its codes for no room, or for the account's limit: then the next pool is tried.
_FULL = ("no_capacity", "quota_exceeded")


class TemplateDialect:
    """Implements `Dialect`."""

    name = "Template"

    def read(self, answer: RestResponse) -> Refusal:
        """Returns the refusal for any body: a broken one must not raise."""
        body = answer.body if isinstance(answer.body, dict) else {}
        return Refusal(answer.status, str(body.get("code", "")), str(body.get("message", "")))

    def decide(self, refusal: Refusal, answer: RestResponse) -> type[CadenceError] | None:
        """Returns the error, or None for the one of the status (cadence/providers/rest.py)."""
        return CapacityExhausted if mentions(refusal, _FULL) else None
