"""Formats values for messages: quoted, short, in plain words."""

_LONGEST_SHOWN = 60


def shown(value: object) -> str:
    """Returns a value for a message: in quotes, printable, 60 characters at most.

    >>> shown("two\\nlines")
    '“two lines”'
    """
    text = value if isinstance(value, str) else repr(value)
    printable = "".join(c if c.isprintable() else " " for c in text[: _LONGEST_SHOWN + 1])
    return f"“{printable[:_LONGEST_SHOWN]}…”" if len(text) > _LONGEST_SHOWN else f"“{printable}”"


def kind_of(value: object) -> str:
    """Returns the kind of a JSON value in words."""
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
