"""Words for findings: quoted values kept short, plain names for kinds of values, and suggestions."""

import difflib
import heapq
from collections.abc import Iterable, Sized

from cadence.domain.shared.display import kind_of, shown

__all__ = ["closest", "kind_of", "shown", "suggestion"]

_MOST_SUGGESTIONS = 30
_MOST_LOOKED_THROUGH = 50_000
"""Known words that are compared, over all findings so far."""
_MOST_COMPARED = 500
_MOST_CHARACTERS = 2_000
"""Characters of all words with which one word is compared in full."""


def closest(word: str, known: Iterable[str]) -> str | None:
    """Returns the known word that was probably meant, if any.

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
    """Returns the hint “Did you mean …?”, or the choices if there are few, or None.

    `told` are the findings so far: comparing names is slow, so that a document full of mistakes gets no suggestions.

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
    """Returns how many characters two words share at their beginnings and ends: quick, and enough for misspellings."""
    begin = _shared(word, name)
    return begin + _shared(word[begin:][::-1], name[begin:][::-1])


def _shared(word: str, other: str) -> int:
    pairs = enumerate(zip(word, other, strict=False))
    return next(
        (index for index, (letter, other_letter) in pairs if letter != other_letter), min(len(word), len(other))
    )
