"""How GitHub's API says no."""

from cadence.domain.shared.errors import CadenceError, Transient
from cadence.providers.rest import Refusal, RestResponse, mentions

_RATES = ("rate limit", "abuse detection")


class GithubDialect:
    name = "GitHub"

    def read(self, answer: RestResponse) -> Refusal:
        body = answer.body if isinstance(answer.body, dict) else {}
        errors = body.get("errors")
        more = [
            str(one.get("message") or one.get("code") or "") if isinstance(one, dict) else str(one)
            for one in (errors if isinstance(errors, list) else ())
        ]
        return Refusal(answer.status, "", " ".join(filter(None, (str(body.get("message") or ""), *more))))

    def decide(self, refusal: Refusal, answer: RestResponse) -> type[CadenceError] | None:
        """Both of its limits may come as 403."""
        limited = answer.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in answer.headers
        if refusal.status in (403, 429) and (limited or mentions(refusal, _RATES)):
            return Transient
        return None
