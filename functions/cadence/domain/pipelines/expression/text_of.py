"""Formats values within texts."""

import json
from typing import Any

_WHOLE = 1e15


def text_of(value: Any) -> str:
    """Returns a value as text: empty for null, true and false in small letters, lists and mappings as JSON.

    >>> text_of("a"), text_of(True), text_of(2.0), text_of([1, None])
    ('a', 'true', '2', '[1,null]')
    """
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < _WHOLE:
            return str(int(value))
        case int() | float():
            return str(value)
        case _:
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
