"""Whether a set of lines can hold any that match, by what is known of all of them: saves opening segments and splits."""

from collections.abc import Collection, Mapping

from cadence.domain.search.matching import bound
from cadence.domain.search.query import And, Condition, Field, FieldName, FieldPrefix, Not, Or, Query

Facts = Mapping[FieldName, Collection[str]]
"""All values that a field has in the set; of a field that is not in it nothing is known."""


def may_match(query: Query, facts: Facts, first_time: str, last_time: str) -> bool:
    """False only if no line between these times (as lines write them, both included) with such values can match."""
    since, until = bound(query.since), bound(query.until)
    if (since is not None and last_time < since) or (until is not None and first_time >= until):
        return False
    return _outcomes(query.where, facts)[0]


def _outcomes(condition: Condition, facts: Facts) -> tuple[bool, bool]:
    """Whether the condition may be met by some line, and whether it may be missed by some."""
    match condition:
        case Not(part):
            met, missed = _outcomes(part, facts)
            return missed, met
        case And(parts):
            each = [_outcomes(part, facts) for part in parts]
            return all(met for met, _ in each), any(missed for _, missed in each)
        case Or(parts):
            each = [_outcomes(part, facts) for part in parts]
            return any(met for met, _ in each), all(missed for _, missed in each)
        case Field(name, values) if name in facts:
            hits = [value in values for value in facts[name]]
            return any(hits), not all(hits)
        case FieldPrefix(name, prefix) if name in facts:
            hits = [value.startswith(prefix) for value in facts[name]]
            return any(hits), not all(hits)
        case _:
            return True, True
