"""Builds readable CEL expressions."""

import json
import re
from collections.abc import Iterable

FAILED = '["failed", "lost", "timed_out"]'
"""The states that mean a treatment failed."""
COMMIT_OR_NONE = '${{ has(event.commit) ? event.commit : "none" }}'
"""The commit in a text that must not be empty, such as the key of a cache."""


REPOSITORY = '(has(event.base_repository) ? event.base_repository : has(event.repository) ? event.repository : "")'
"""The repository that the pipeline is in: of a pull request the one that it is to be merged into, never a fork."""

_ALWAYS_THERE = ("event.kind", "run.")
_GUARDED = re.compile(r'\(has\(((?:event|matrix)\.\w+)\) \? \1 : ""\)')


def event_value(name: str) -> str:
    """The value of a member of the event; empty if the event does not have it, as in the source systems.

    >>> event_value("event.branch"), event_value("event.kind")
    ('(has(event.branch) ? event.branch : "")', 'event.kind')
    """
    return name if name.startswith(_ALWAYS_THERE) else f'(has({name}) ? {name} : "")'


def joins(cel: str, *operators: str) -> bool:
    """Whether any of the operators is in an expression, apart from those that `event_value` puts there."""
    plain = _GUARDED.sub("x", cel)
    return any(operator in plain for operator in operators)


def state(treatment: str) -> str:
    return f"treatments[{json.dumps(treatment)}].state"


def output(treatment: str, port: str) -> str:
    return f"treatments[{json.dumps(treatment)}].outputs.{port}"


def all_of(parts: Iterable[str]) -> str:
    """The conjunction of the conditions, without needless parentheses."""
    known = [bare(part) for part in parts]
    return " && ".join(f"({part})" if len(known) > 1 and joins(part, "||", " ? ") else part for part in known)


def bare(cel: str) -> str:
    """An expression without parentheses around all of it.

    >>> bare("((a) || (b))"), bare("(a) || (b)")
    ('(a) || (b)', '(a) || (b)')
    """
    while cel.startswith("(") and cel.endswith(")") and _closes(cel) == len(cel) - 1:
        cel = cel[1:-1]
    return cel


def _closes(cel: str) -> int:
    """The position that closes the parenthesis at the start; string literals may contain parentheses."""
    depth, quoted, position = 0, False, 0
    while position < len(cel):
        symbol = cel[position]
        if quoted:
            position += symbol == "\\"
            quoted = symbol != '"'
        elif symbol == '"':
            quoted = True
        else:
            depth += (symbol == "(") - (symbol == ")")
            if depth == 0:
                return position
        position += 1
    return -1
