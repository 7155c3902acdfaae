"""The checks of a probe: a refusal of the infrastructure becomes a check that reports it."""

from collections.abc import Callable

from cadence.domain.shared.errors import CadenceError
from cadence.providers.contract import Check


def checked(what: str, look: Callable[[], object], hint: str | None = None) -> Check:
    """Returns the check of `look`, which raises what is missing, in the infrastructure's words."""
    try:
        look()
    except CadenceError as error:
        return Check(what, error.message, hint)
    return Check(what)
