"""Reads the refusals of GitLab's API."""

from typing import Any

from cadence.domain.shared.errors import CadenceError, CapacityExhausted
from cadence.providers.rest import Refusal, RestResponse, mentions

_FULL = (
    "quota exceeded",
    "no more compute minutes",
    "compute quota",
    "ci minutes",
    "pipeline limit",
    "job activity limit",
)


class GitlabDialect:
    """Implements `Dialect`."""

    name = "GitLab"

    def read(self, answer: RestResponse) -> Refusal:
        body = answer.body if isinstance(answer.body, dict) else {}
        words = body.get("message") or body.get("error_description") or body.get("error") or ""
        return Refusal(answer.status, "", _plain(words))

    def decide(self, refusal: Refusal, answer: RestResponse) -> type[CadenceError] | None:
        return CapacityExhausted if mentions(refusal, _FULL) else None


def _plain(words: Any) -> str:
    """Returns the text of a message that is a text, a list of texts, or texts by what is wrong."""
    if isinstance(words, dict):
        return "; ".join(
            f"{name}: {_plain(value)}" if name != "base" else _plain(value) for name, value in words.items()
        )
    return ", ".join(map(str, words)) if isinstance(words, list) else str(words)
