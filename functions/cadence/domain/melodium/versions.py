"""Versions of the Mélodium engine, as far as they differ for Cadence."""

import re

_NUMBERS = re.compile(r"(\d+)\.(\d+)")
_SECRETS_SINCE = (0, 11)


def has_secrets(version: str | None) -> bool:
    """Whether engines of a version know secrets: they report no values unless they are told to, and no workers' keys.

    A version that is not known counts as one of them. The certificates of these engines differ from those before.
    """
    match = _NUMBERS.match(version or "")
    return match is None or tuple(map(int, match.groups())) >= _SECRETS_SINCE
