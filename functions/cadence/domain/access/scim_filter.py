"""Filters of SCIM (RFC 7644, 3.4.2.2), as far as provisioning services send them: comparisons for equality.

A filter is read into conditions, which are compared with stored values. Nothing of it becomes part of a query.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from cadence.domain.shared.errors import InvalidRequest, Violation

_LONGEST = 1_000
_STRING = r'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"'
_LITERAL = rf"{_STRING}|true|false"
_ATTRIBUTE = r"(?:urn:[A-Za-z0-9:._-]{1,120}:)?[A-Za-z][A-Za-z0-9_-]{0,60}"
_CLAUSE = re.compile(
    rf"(?P<attribute>{_ATTRIBUTE})"
    rf"(?:\.(?P<sub>[A-Za-z]{{1,60}})|\[\s*(?P<inner>[A-Za-z]{{1,60}})\s+eq\s+(?P<inner_value>{_LITERAL})\s*\])?"
    rf"(?(inner)|\s+eq\s+(?P<value>{_LITERAL}))",
    re.IGNORECASE,
)
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)


@dataclass(frozen=True)
class Condition:
    """`attribute` equals `value`. The attribute is in lower case: `username`, `emails.value`."""

    attribute: str
    value: str | bool


def parse_filter(text: str, known: Iterable[str]) -> tuple[Condition, ...]:
    """Returns the conditions of a filter, all of which have to hold; none for an empty text.

    `known` are the attributes that can be compared. Raises InvalidRequest with the code `invalidFilter`.
    """
    text = text.strip()
    if not text:
        return ()
    if len(text) > _LONGEST:
        raise _invalid(f"The filter is longer than {_LONGEST:,} characters.")
    allowed = frozenset(known)
    conditions, position = [], 0
    while True:
        match = _CLAUSE.match(text, position)
        if match is None:
            raise _invalid(_EXPLANATION.format(allowed=", ".join(sorted(allowed))))
        condition = _condition(match)
        if condition.attribute not in allowed:
            raise _invalid(_EXPLANATION.format(allowed=", ".join(sorted(allowed))))
        conditions.append(condition)
        position = match.end()
        if position == len(text):
            return tuple(conditions)
        following = _AND.match(text, position)
        if following is None:
            raise _invalid(_EXPLANATION.format(allowed=", ".join(sorted(allowed))))
        position = following.end()


def plain_attribute(name: str) -> str:
    """Returns an attribute's name in lower case, without the URN of its schema."""
    return name.rpartition(":")[2].lower()


def literal(text: str) -> str | bool:
    """Returns the value of a literal of a filter."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    return str(json.loads(text))


_EXPLANATION = (
    'The filter is not understood. Write ATTRIBUTE eq "VALUE", several with `and` between them. Attributes that can '
    "be compared: {allowed}."
)


def _condition(match: re.Match[str]) -> Condition:
    attribute = plain_attribute(match["attribute"])
    sub = match["sub"] or match["inner"]
    if sub:
        attribute = f"{attribute}.{sub.lower()}"
    return Condition(attribute, literal(match["inner_value"] or match["value"]))


def _invalid(message: str) -> InvalidRequest:
    return InvalidRequest(message, [Violation("filter", message, "invalidFilter")])
