"""Decides from facts about a set of lines whether it can hold any that match, so that fewer segments are read."""

from collections.abc import Collection, Mapping

from cadence.domain.search.matching import bound
from cadence.domain.search.query import And, Condition, Field, FieldName, FieldPrefix, Not, Or, Query

Facts = Mapping[FieldName, Collection[str]]
"""All values that a field has in the set; a field that is missing is not known."""


def may_match(query: Query, facts: Facts, first_time: str, last_time: str) -> bool:
    """Returns False only if no line between these times with such values can match.

    The times are as lines write them, both included.
    """
    since, until = bound(query.since), bound(query.until)
    if (since is not None and last_time < since) or (until is not None and first_time >= until):
        return False
    return _outcomes(query.where, facts)[0]


def _outcomes(condition: Condition, facts: Facts) -> tuple[bool, bool]:
    """Returns whether the condition may be met by some line, and whether it may be missed by some."""
    match condition:
        case Not(part):
            met, missed = _outcomes(part, facts)
            return missed, met
        case And(parts):
            outcomes = [_outcomes(part, facts) for part in parts]
            return all(met for met, _ in outcomes), any(missed for _, missed in outcomes)
        case Or(parts):
            outcomes = [_outcomes(part, facts) for part in parts]
            return any(met for met, _ in outcomes), all(missed for _, missed in outcomes)
        case Field(name, values) if name in facts:
            hits = [value in values for value in facts[name]]
            return any(hits), not all(hits)
        case FieldPrefix(name, prefix) if name in facts:
            hits = [value.startswith(prefix) for value in facts[name]]
            return any(hits), not all(hits)
        case _:
            return True, True
