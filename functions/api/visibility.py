"""What callers see, and what they may do for a whole organization only."""

from collections.abc import Callable
from typing import TypeVar

from cadence.domain.access.access import Principal
from cadence.domain.shared.errors import Forbidden, NotFound

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


def organization_of(by: Principal, what: str) -> str:
    """Returns the caller's organization. Raises Forbidden unless its permission to do `what` holds for all of it."""
    if not by.whole_organization:
        message = f"Only an account or token for the whole organization can {what}."
        raise Forbidden(message, permission=by.asked)
    return by.organization
