"""How findings speak: quoted values kept short, plain names for kinds of values, and suggestions."""

import difflib
from collections.abc import Iterable, Sized

from cadence.domain.telling import kind_of, shown

__all__ = ["closest", "kind_of", "shown", "suggestion"]

_MOST_SUGGESTIONS = 100
_MOST_COMPARED = 500


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, if any.

    >>> closest("pussh", ["push", "schedule"])
    'push'
    """
    candidates = list(known)
    if len(candidates) > _MOST_COMPARED:
        candidates = [name for name in candidates if name[:1] == word[:1] and abs(len(name) - len(word)) <= 1]
    matches = difflib.get_close_matches(word[:200], candidates[:_MOST_COMPARED], n=1, cutoff=0.6)
    return matches[0] if matches else None


def suggestion(word: str, known: Iterable[str], told: Sized = ()) -> str | None:
    """The hint “Did you mean …?”, or the choices if there are few, or nothing.

    `told` is what was found so far: comparing names is slow, so a document full of mistakes gets no more of it.

    >>> suggestion("zebra", ["push", "schedule"])
    'Known here: push, schedule.'
    """
    if len(told) > _MOST_SUGGESTIONS:
        return None
    words = sorted(known)
    match = closest(word, words)
    if match is not None:
        return f"Did you mean {shown(match)}?"
    if 0 < len(words) <= 8:
        return "Known here: " + ", ".join(words) + "."
    return None
