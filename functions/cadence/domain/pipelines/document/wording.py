"""How findings speak: quoted values kept short, plain names for kinds of values, and suggestions."""

import difflib
import heapq
from collections.abc import Iterable, Sized

from cadence.domain.shared.display import kind_of, shown

__all__ = ["closest", "kind_of", "shown", "suggestion"]

_MOST_SUGGESTIONS = 30
_MOST_LOOKED_THROUGH = 50_000
"""Known words, for all the findings so far."""
_MOST_COMPARED = 500
_MOST_CHARACTERS = 2_000
"""Of all the words that one is compared with in earnest."""


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, if any.

    >>> closest("pussh", ["push", "schedule"])
    'push'
    """
    candidates = list(known)
    if len(candidates) > _MOST_COMPARED:
        candidates = [name for name in candidates if name[:1] == word[:1] and abs(len(name) - len(word)) <= 1]
    most = max(10, _MOST_CHARACTERS // (len(word) + 1))
    if len(candidates) > most:
        candidates = heapq.nsmallest(most, candidates, key=lambda name: -_common(word, name))
    matches = difflib.get_close_matches(word[:200], candidates, n=1, cutoff=0.6)
    return matches[0] if matches else None


def suggestion(word: str, known: Iterable[str], told: Sized = ()) -> str | None:
    """The hint “Did you mean …?”, or the choices if there are few, or nothing.

    `told` is what was found so far: comparing names is slow, so a document full of mistakes gets no more of it.

    >>> suggestion("zebra", ["push", "schedule"])
    'Known here: push, schedule.'
    """
    words = sorted(known) if len(told) <= _MOST_SUGGESTIONS else []
    if len(told) * len(words) > _MOST_LOOKED_THROUGH:
        return None
    match = closest(word, words)
    if match is not None:
        return f"Did you mean {shown(match)}?"
    if 0 < len(words) <= 8:
        return "Known here: " + ", ".join(words) + "."
    return None


def _common(word: str, name: str) -> int:
    """How many characters the beginnings and the ends of two words share: quick to see, and most of a misspelt word."""
    begin = _shared(word, name)
    return begin + _shared(word[begin:][::-1], name[begin:][::-1])


def _shared(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (here, there) in pairs if here != there), min(len(one), len(other)))
