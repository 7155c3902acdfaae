"""A probe's checks: whatever an infrastructure refuses becomes a check that says so."""

from collections.abc import Callable

from cadence.domain.shared.errors import CadenceError
from cadence.providers.contract import Check


def checked(what: str, look: Callable[[], object], hint: str | None = None) -> Check:
    """`look` raises what is missing, in the infrastructure's words."""
    try:
        look()
    except CadenceError as error:
        return Check(what, error.message, hint)
    return Check(what)
