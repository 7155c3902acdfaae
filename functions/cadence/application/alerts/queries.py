"""Search queries in alert rules: the same language, but for what has no meaning for a line that is just written."""

from datetime import UTC, datetime
from functools import lru_cache

from cadence.domain.search.matching import Matcher
from cadence.domain.search.parse import parse
from cadence.domain.search.query import Query, asks_for_state
from cadence.domain.shared.errors import InvalidRequest, Violation

_POINTER = "/rule/when/log/query"
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
"""Queries of rules have no times, so that it does not matter what these would count from."""


def check_query(text: str) -> None:
    """Raises InvalidRequest with the place in the rule, and the position in the query."""
    try:
        query = parse(text, _ANY_TIME)
    except InvalidRequest as error:
        violations = [Violation(_POINTER, each.message, each.code) for each in error.violations]
        raise InvalidRequest(error.message, violations, **error.details) from None
    if query.since is not None or query.until is not None:
        _refuse("A rule looks at every line when it is written: leave out since:, until: and times. `window` counts.")
    if asks_for_state(query.where):
        _refuse(
            "The state of a line's treatment is not known yet when it is written. Use `treatment` or `run` for states."
        )


def parsed(text: str) -> Query:
    return parse(text, _ANY_TIME)


@lru_cache(maxsize=500)
def matcher(text: str) -> Matcher:
    """Compiled once in each process."""
    return Matcher(parsed(text))


def _refuse(message: str) -> None:
    raise InvalidRequest(message, [Violation(_POINTER, message, "bad_query")])
