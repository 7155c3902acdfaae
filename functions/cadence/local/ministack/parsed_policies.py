"""Parses each policy once, for MiniStack, which parses the policies of the caller's role for each request."""

from functools import lru_cache
from typing import Any

from ministack.core import iam_evaluator

_REMEMBERED = 512


def install() -> None:
    """Replaces the function that parses a policy. Nothing changes the statements that it returns."""
    parse = iam_evaluator.parse_policy_document
    parse_once = lru_cache(_REMEMBERED)(parse)

    def parse_policy_document(document: str | dict[str, Any]) -> Any:
        return parse_once(document) if isinstance(document, str) else parse(document)

    iam_evaluator.parse_policy_document = parse_policy_document
