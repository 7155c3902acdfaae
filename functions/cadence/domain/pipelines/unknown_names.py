"""What a user who named something that does not exist probably meant."""

from collections.abc import Iterable

from cadence.domain.pipelines.document.wording import closest

_MOST_NAMED = 5


def choices(name: str, known: Iterable[str]) -> str:
    """Returns a sentence to end a message with: the name that was probably meant, else the first five that exist.

    It begins with a space, and is empty if there are none.

    >>> choices("tst", ["build", "test"])
    " Did you mean 'test'?"
    >>> choices("x", ["build", "test"])
    ' There are: build, test.'
    """
    names = sorted(known)
    match = closest(name, names)
    if match is not None:
        return f" Did you mean {match!r}?"
    if not names:
        return ""
    rest = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f" There {'is' if len(names) == 1 else 'are'}: {', '.join(names[:_MOST_NAMED])}{rest}."
