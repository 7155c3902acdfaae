"""What a caller does not see does not exist for it."""

from collections.abc import Callable
from typing import TypeVar

from cadence.domain.shared.errors import NotFound

Thing = TypeVar("Thing")


def visible(what: str, find: Callable[[], Thing], sees: Callable[[Thing], bool]) -> Thing:
    """Returns what `find` returns. Raises NotFound, in the same words, if there is none or the caller does not see it.

    `what` names it: `pool 'near'`.
    """
    missing = NotFound(f"There is no {what} here.")
    try:
        found = find()
    except NotFound:
        raise missing from None
    if not sees(found):
        raise missing
    return found
