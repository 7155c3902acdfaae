"""Parses policies and expressions once, for MiniStack, which parses the policies of the caller's role for each request,
and a condition for each item that it holds it against.

So does it with what else is the same for many requests: whether an action fits a pattern, and the date of an answer.
"""

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from ministack import app
from ministack.core import iam_evaluator
from ministack.services import dynamodb

_POLICIES = 512
_EXPRESSIONS = 4096
_ACTIONS = 4096


def install() -> None:
    """Replaces the functions that parse."""
    iam_evaluator.parse_policy_document = once_for_texts(iam_evaluator.parse_policy_document)
    iam_evaluator.fnmatch_iam = lru_cache(_ACTIONS)(iam_evaluator.fnmatch_iam)
    app.formatdate = once_a_second(app.formatdate)
    dynamodb._tokenize = as_new_lists(dynamodb._tokenize)  # noqa: SLF001 (no public way, here and below)
    dynamodb._condition_syntax_error = lru_cache(_EXPRESSIONS)(dynamodb._condition_syntax_error)  # noqa: SLF001


def once_for_texts(parse: Any) -> Any:
    """Returns the parser of policies, which are texts or objects. Nothing changes the statements it returns."""
    parse_once = lru_cache(_POLICIES)(parse)

    def parse_policy_document(document: str | dict[str, Any]) -> Any:
        return parse_once(document) if isinstance(document, str) else parse(document)

    return parse_policy_document


def as_new_lists(tokenize: Any) -> Any:
    """Returns the function that divides an expression into tokens; each caller gets a list of its own."""

    @lru_cache(_EXPRESSIONS)
    def tokens(expression: str) -> tuple[Any, ...]:
        return tuple(tokenize(expression))

    return lambda expression: list(tokens(expression))


def once_a_second(format_date: Callable[..., str], clock: Callable[[], float] = time.time) -> Callable[..., str]:
    """Returns ``email.utils.formatdate``, whose text for the time of now is made once in each second."""

    @lru_cache(2)
    def formatted(second: int, usegmt: bool) -> str:
        return format_date(second, usegmt=usegmt)

    def formatdate(*, usegmt: bool = False) -> str:
        return formatted(int(clock()), usegmt)

    return formatdate
