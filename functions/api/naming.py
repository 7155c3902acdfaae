"""Checks of names in an address."""

import re

from api.shapes import NAME_PATTERN
from cadence.domain.shared.errors import InvalidRequest, Violation


def check_name(what: str, name: str) -> None:
    """Raises InvalidRequest for what cannot be the name of a pool or an environment."""
    if not re.fullmatch(NAME_PATTERN, name):
        message = (
            f"The name of a {what} begins with a lower-case letter and has lower-case letters, digits, `_` and `-`."
        )
        message = message.replace("a environment", "an environment").replace("a export", "an export")
        raise InvalidRequest(message, [Violation(what, message, "bad_name")])
