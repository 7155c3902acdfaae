"""Patterns of branches and paths.

`*` matches any characters but a slash, `**` any characters, `?` one character but a slash. `**/` also matches no folder
at all, so that `**/x` matches `x`. Every other character matches itself.
"""

import re
from collections.abc import Iterable, Sequence

# Python's regular expressions are not used: with a few stars one takes hours on a long path, and users choose both.
_STARS = re.compile(r"(\*\*/|\*{2,}|\*|\?)")
_FOLDERS = "**/"
"""The token before `_ANY` and `/`, which may be skipped together."""
_ANY = "**"
_SEGMENT = "*"
_ONE = "?"
_NOT = "!"


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text matches the pattern; takes time proportional to the product of their lengths at most.

    >>> matches("release/*", "release/1.2"), matches("release/*", "release/1/2"), matches("src/**", "src/a/b.py")
    (True, False, True)
    """
    stars = list(_STARS.finditer(pattern))
    if not stars:
        return pattern == text
    # Nearly all of the paths of a large push end here.
    if not (text.startswith(pattern[: stars[0].start()]) and text.endswith(pattern[stars[-1].end() :])):
        return False
    tokens = _tokens(pattern)
    positions = _reachable(tokens, {0})
    for character in text:
        advanced = set()
        for position in positions:
            token = tokens[position] if position < len(tokens) else ""
            if token == _ANY or (token == _SEGMENT and character != "/"):
                advanced.add(position)
            elif token == character or (token == _ONE and character != "/"):
                advanced.add(position + 1)
        positions = _reachable(tokens, advanced)
    return len(tokens) in positions


def selected(text: str, patterns: Sequence[str]) -> bool:
    """Whether the last pattern that matches selects the text; a pattern that begins with `!` excludes what it matches.

    If the first pattern excludes, every text that no pattern matches is selected.
    """
    chosen = bool(patterns) and patterns[0].startswith(_NOT)
    for pattern in patterns:
        if pattern.startswith(_NOT) is chosen and matches(pattern.removeprefix(_NOT), text):
            chosen = not chosen
    return chosen


def matches_any(text: str, patterns: Iterable[str]) -> bool:
    """Whether the whole text matches one of the patterns."""
    return any(matches(pattern, text) for pattern in patterns)


def _tokens(pattern: str) -> list[str]:
    tokens: list[str] = []
    for part in _STARS.split(pattern):
        if part == _FOLDERS:
            tokens += [_FOLDERS, _ANY, "/"]
        elif part.startswith(_ANY):
            tokens.append(_ANY)
        elif part in (_SEGMENT, _ONE):
            tokens.append(part)
        else:
            tokens += part
    return tokens


def _reachable(tokens: list[str], positions: set[int]) -> set[int]:
    """Returns the positions, with those after tokens that may match nothing."""
    reached: set[int] = set()
    pending = list(positions)
    while pending:
        position = pending.pop()
        if position in reached:
            continue
        reached.add(position)
        token = tokens[position] if position < len(tokens) else ""
        if token in (_FOLDERS, _ANY, _SEGMENT):
            pending.append(position + 1)
        if token == _FOLDERS:
            pending.append(position + 3)
    return reached
