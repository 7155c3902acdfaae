"""Checks and compiles search queries in alert rules: without conditions that a line cannot meet when it is written."""

from datetime import UTC, datetime
from functools import lru_cache

from cadence.domain.search.matching import Matcher
from cadence.domain.search.parse import parse
from cadence.domain.search.query import Query, asks_for_state
from cadence.domain.shared.errors import InvalidRequest, Violation

_POINTER = "/rule/when/log/query"
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
"""Queries of rules have no times, so that the time from which relative ones would count does not matter."""


def check_query(text: str) -> None:
    """Raises InvalidRequest with the pointer into the rule and the position in the query, if it is not valid."""
    try:
        query = parse(text, _ANY_TIME)
    except InvalidRequest as error:
        violations = [Violation(_POINTER, each.message, each.code) for each in error.violations]
        raise InvalidRequest(error.message, violations, **error.details) from None
    if query.since is not None or query.until is not None:
        _refuse(
            "A rule checks every line when it is written: leave out since:, until: and times, and use the rule's `window`."
        )
    if asks_for_state(query.where):
        _refuse(
            "The state of a line's treatment is not known yet when it is written. Use `treatment` or `run` for states."
        )


def parsed(text: str) -> Query:
    """Parses the query of a rule."""
    return parse(text, _ANY_TIME)


@lru_cache(maxsize=500)
def matcher(text: str) -> Matcher:
    """Returns the matcher of a query, compiled once in each process."""
    return Matcher(parsed(text))


def _refuse(message: str) -> None:
    raise InvalidRequest(message, [Violation(_POINTER, message, "bad_query")])
