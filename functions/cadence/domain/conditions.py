"""A treatment's condition over the states that others ended in."""

from collections.abc import Mapping


class NoAnswer(ValueError):
    """The condition is neither true nor false; the message says why."""


def holds(when: str, states: Mapping[str, str]) -> bool:
    """`when` is CEL over `treatments.<name>.state`. Raises NoAnswer."""
    import cel

    known = {"treatments": {name: {"state": state} for name, state in states.items()}}
    try:
        answer = cel.evaluate(when, known)
    except (ValueError, TypeError, RuntimeError, LookupError) as error:
        raise NoAnswer(str(error)) from error
    if not isinstance(answer, bool):
        raise NoAnswer("it gives neither true nor false")
    return answer
