"""Reads the refusals of GitHub's API."""

from cadence.domain.shared.errors import CadenceError, Transient
from cadence.providers.rest import Refusal, RestResponse, mentions

_RATES = ("rate limit", "abuse detection")


class GithubDialect:
    """Implements `Dialect`."""

    name = "GitHub"

    def read(self, answer: RestResponse) -> Refusal:
        body = answer.body if isinstance(answer.body, dict) else {}
        errors = body.get("errors")
        more = [
            str(entry.get("message") or entry.get("code") or "") if isinstance(entry, dict) else str(entry)
            for entry in (errors if isinstance(errors, list) else ())
        ]
        return Refusal(answer.status, "", " ".join(filter(None, (str(body.get("message") or ""), *more))))

    def decide(self, refusal: Refusal, answer: RestResponse) -> type[CadenceError] | None:
        """Returns Transient for both of GitHub's rate limits, which may have status 403."""
        limited = answer.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in answer.headers
        if refusal.status in (403, 429) and (limited or mentions(refusal, _RATES)):
            return Transient
        return None
