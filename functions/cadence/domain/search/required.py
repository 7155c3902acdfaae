"""Finds the words that every text has in which a regular expression is found: they narrow down where to search.

Only what is certain counts. In `timeout after \\d+ s`, `after` is a whole word, since spaces stand on both sides;
`timeout` may be the end of a longer one. Syntax that is not understood gives no words, never wrong ones.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cadence.domain.search.query import Prefix, Word
from cadence.domain.search.tokens import words

_UNKNOWN = ""
"""Replaces a character where anything may be, or nothing."""
_APART = " "
"""Replaces a character that separates words, and the text's beginning or end."""

_MEANINGFUL = frozenset("\\.[](){}*+?|^$")
_SPACES = frozenset("tnrfvs")
_ANYTHING = frozenset("dDwWSbBAz")


class _NotUnderstood(Exception):
    """The expression has syntax whose words are not known."""


def required_words(regex: str) -> tuple[Word | Prefix, ...]:
    """Returns the words and beginnings of words that every matching text has.

    >>> required_words(r"connection refused by \\d+ peers$")
    (Word(text='refused'), Word(text='by'), Word(text='peers'))
    """
    ignores_case = regex.startswith("(?i)")
    try:
        pieces = list(_pieces(regex.removeprefix("(?i)")))
    except _NotUnderstood:
        return ()
    conditions: dict[Word | Prefix, None] = {}
    for run in _runs(pieces):
        # Without case, a few letters beyond ASCII have more variants than their lower case shows.
        if run.begins and (run.text.isascii() or not ignores_case):
            conditions.update(dict.fromkeys(_words_of(run)))
    return tuple(conditions)


@dataclass(frozen=True)
class _Run:
    """Characters of words in a row, and whether a word certainly begins and ends with them."""

    text: str
    begins: bool
    ends: bool


def _words_of(run: _Run) -> Iterator[Word | Prefix]:
    *whole, last = words(run.text)
    yield from map(Word, whole)
    if run.ends:
        yield Word(last)
    elif last.isascii():
        yield Prefix(last)


def _runs(pieces: Sequence[str]) -> Iterator[_Run]:
    start = 0
    while start < len(pieces):
        end = start
        while end < len(pieces) and pieces[end] and words(pieces[end]):
            end += 1
        if end > start:
            yield _Run(
                "".join(pieces[start:end]),
                begins=start > 0 and bool(pieces[start - 1]),
                ends=end < len(pieces) and bool(pieces[end]),
            )
        start = end + 1


def _pieces(regex: str) -> Iterator[str]:
    """Returns the expression as characters that stand for themselves, `_APART` and `_UNKNOWN`."""
    position = 0
    while position < len(regex):
        piece, position = _piece(regex, position)
        repeated, position = _repetition(regex, position)
        if repeated == "+" and piece == _APART:
            yield piece
        elif repeated == "+":
            yield from (piece, _UNKNOWN, piece)
        else:
            yield _UNKNOWN if repeated else piece


def _piece(regex: str, position: int) -> tuple[str, int]:
    """Returns one piece from `position` on, and where the next begins."""
    character = regex[position]
    if character == "\\":
        return _escaped(regex[position + 1 : position + 2]), position + 2
    if character == "[":
        return _UNKNOWN, _after_class(regex, position)
    if character == "(":
        return _UNKNOWN, _after_group(regex, position)
    if character in "^$":
        return _APART, position + 1
    if character == ".":
        return _UNKNOWN, position + 1
    if character in _MEANINGFUL:  # `|` above all
        raise _NotUnderstood
    return character if words(character) else _APART, position + 1


def _escaped(character: str) -> str:
    if character in _SPACES:
        return _APART
    if character in _ANYTHING:
        return _UNKNOWN
    if not character or character.isalnum():
        raise _NotUnderstood
    return _APART if not words(character) else character


def _repetition(regex: str, position: int) -> tuple[str, int]:
    """Returns the quantifiers at `position`, and where the next piece begins.

    They are given as `+`, as `?` for any that may mean other numbers of times, or as an empty text.
    """
    start = position
    while position < len(regex) and regex[position] in "*+?{":
        if regex[position] == "{":
            position = regex.find("}", position)
            if position < 0:
                raise _NotUnderstood
        position += 1
    quantifiers = regex[start:position]
    return ("+" if quantifiers in ("+", "+?") else "?") if quantifiers else "", position


def _after_class(regex: str, position: int) -> int:
    """Returns the position behind a `[…]`.

    Classes within classes are not understood, nor a `]` that stands for itself at the start.
    """
    index = position + 1
    while index < len(regex) and regex[index] != "]":
        if regex[index] == "[":
            raise _NotUnderstood
        index += 2 if regex[index] == "\\" else 1
    if index - position <= 1 or regex[position : index + 1] == "[^]":
        raise _NotUnderstood
    return index + 1


def _after_group(regex: str, position: int) -> int:
    """Returns the position behind a `(…)`.

    A group that changes what follows, as `(?x)` does, is not understood.
    """
    if regex.startswith("(?", position) and not regex.startswith(("(?:", "(?<", "(?P<"), position):
        raise _NotUnderstood
    index, depth = position + 1, 1
    while index < len(regex) and depth:
        if regex[index] == "[":
            index = _after_class(regex, index)
            continue
        depth += {"(": 1, ")": -1}.get(regex[index], 0)
        if regex.startswith("(?", index) and not regex.startswith(("(?:", "(?<", "(?P<", "(?i:"), index):
            raise _NotUnderstood
        index += 2 if regex[index] == "\\" else 1
    return index
