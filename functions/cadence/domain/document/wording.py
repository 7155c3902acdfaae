"""How findings speak: quoted values kept short, plain names for kinds of values, and suggestions."""

import difflib
from collections.abc import Iterable

_LONGEST_SHOWN = 60


def shown(value: object) -> str:
    """A value as it reads in a message: printable and never long.

    >>> shown("two\\nlines")
    '“two lines”'
    """
    text = value if isinstance(value, str) else repr(value)
    printable = "".join(c if c.isprintable() else " " for c in text[: _LONGEST_SHOWN + 1])
    return f"“{printable[:_LONGEST_SHOWN]}…”" if len(text) > _LONGEST_SHOWN else f"“{printable}”"


def kind_of(value: object) -> str:
    """What a value is, in words."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int():
            return "a whole number"
        case float():
            return "a number with a fraction"
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "a mapping"


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, if any.

    >>> closest("pussh", ["push", "schedule"])
    'push'
    """
    matches = difflib.get_close_matches(word[:200], list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


def suggestion(word: str, known: Iterable[str]) -> str | None:
    """The hint “Did you mean …?”, or the choices if there are few, or nothing.

    >>> suggestion("zebra", ["push", "schedule"])
    'Known here: push, schedule.'
    """
    words = sorted(known)
    match = closest(word, words)
    if match is not None:
        return f"Did you mean {shown(match)}?"
    if 0 < len(words) <= 8:
        return "Known here: " + ", ".join(words) + "."
    return None
