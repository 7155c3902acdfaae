"""Regular expressions whose search takes time linear in the text, for all expressions and texts.

Those of Python's own library can take exponential time. These are those of JSON Schema's `pattern` as `jsonschema-rs`
runs them: no look-around, no back-references; `(?i)` at the start ignores case.
"""

from collections.abc import Callable

import jsonschema_rs

LONGEST = 256  # characters
# The size of the compiled expression. Bounds the time that a line of 64 KiB takes to a fraction of a second.
_LARGEST = 1_000_000  # bytes


class BadRegex(ValueError):
    """The regular expression is not valid. The message is a sentence without its subject: `has …`, `is …`."""


def searches(regex: str) -> Callable[[str], bool]:
    """Returns a function that says whether the expression is found somewhere in a plain text (see `tokens.plain`).

    Raises BadRegex.
    """
    if len(regex) > LONGEST:
        raise BadRegex(f"has more than {LONGEST} characters")
    options = jsonschema_rs.RegexOptions(size_limit=_LARGEST, dfa_size_limit=_LARGEST)
    try:
        validator = jsonschema_rs.Draft202012Validator({"pattern": regex}, pattern_options=options)
    except (jsonschema_rs.ValidationError, ValueError):
        raise BadRegex("is not valid, uses look-around or back-references, or repeats too much") from None
    return validator.is_valid
