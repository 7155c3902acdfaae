"""Patterns of branches and paths, and whether a push is one that a pipeline asked for."""

from collections.abc import Collection, Iterable

_ANY = "**"
"""Any number of any characters."""
_SEGMENT = "*"
"""Any number of characters other than /."""
_ONE = "?"
"""One character other than /."""


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text fits the pattern; takes time proportional to the product of their lengths at most.

    >>> matches("release/*", "release/1.2"), matches("release/*", "release/1/2"), matches("src/**", "src/a/b.py")
    (True, False, True)
    """
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


def push_starts(
    branches: Collection[str], paths: Collection[str], branch: str, changed_paths: Iterable[str] | None
) -> bool:
    """Whether a push to `branch` is one that `branches` and `paths` ask for; no patterns ask for everything.

    `changed_paths` is `None` where a git host does not tell them: the push is then taken to fit `paths`.
    """
    if branches and not any(matches(pattern, branch) for pattern in branches):
        return False
    if not paths or changed_paths is None:
        return True
    return any(matches(pattern, path) for path in changed_paths for pattern in paths)


def _tokens(pattern: str) -> list[str]:
    tokens: list[str] = []
    for character in pattern:
        if character == "*" and tokens and tokens[-1] in (_SEGMENT, _ANY):
            tokens[-1] = _ANY
        else:
            tokens.append(character)
    return tokens


def _reachable(tokens: list[str], positions: set[int]) -> set[int]:
    """The positions, and those behind stars that match nothing."""
    reached = set(positions)
    for position in positions:
        following = position
        while following < len(tokens) and tokens[following] in (_SEGMENT, _ANY):
            following += 1
            reached.add(following)
    return reached
