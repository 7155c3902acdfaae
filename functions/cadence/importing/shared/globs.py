"""Patterns of branches, tags and paths in other systems: as CEL conditions, and as patterns of triggers."""

import json
import re
from collections.abc import Iterable
from itertools import product

_BRACES = re.compile(r"\{([^{}]*)\}")
_WILDCARD = re.compile(r"\*\*/|\*\*|\*|\?")
_SPECIAL = re.compile(r"([.^$+{}()|\[\]\\])")
_IN_REGEX = {"**/": "(.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
_MOST = 50
_MOST_WILDCARDS = 6  # of a pattern that is compared with names here; more could take long


def alternatives(pattern: str) -> list[str]:
    """The patterns that `{a,b}` in a pattern stands for; the pattern alone if they are more than 50.

    >>> alternatives("{feature,fix}/*")
    ['feature/*', 'fix/*']
    """
    parts = _BRACES.split(pattern)
    choices = [part.split(",") if index % 2 else [part] for index, part in enumerate(parts)]
    count = 1
    for choice in choices:
        count *= len(choice)
        if count > _MOST:
            return [pattern]
    return list(dict.fromkeys("".join(words) for words in product(*choices)))


def is_exact(pattern: str) -> bool:
    return _WILDCARD.search(pattern) is None


def regex(pattern: str) -> str:
    """The regular expression of a pattern, without anchors.

    >>> regex("release/*.x"), regex("**/*.md")
    ('release/[^/]*\\\\.x', '(.*/)?[^/]*\\\\.md')
    """
    written, start = "", 0
    for wildcard in _WILDCARD.finditer(pattern):
        written += _SPECIAL.sub(r"\\\1", pattern[start : wildcard.start()]) + _IN_REGEX[wildcard[0]]
        start = wildcard.end()
    return written + _SPECIAL.sub(r"\\\1", pattern[start:])


def matches(value: str, patterns: Iterable[str]) -> str:
    """The CEL condition that a value matches one of the patterns, in brackets if they are several.

    >>> matches("event.branch", ["main", "release/*"])
    '(event.branch == "main" || event.branch.matches("^release/[^/]*$"))'
    """
    every = list(dict.fromkeys(single for pattern in patterns for single in alternatives(pattern)))
    if "**" in every:
        return f'{value} != ""'
    exact = [pattern for pattern in every if is_exact(pattern)]
    parts = []
    if exact:
        names = [json.dumps(name, ensure_ascii=False) for name in exact]
        parts.append(f"{value} == {names[0]}" if len(names) == 1 else f"{value} in [{', '.join(names)}]")
    parts += [f"{value}.matches({_quoted(regex(pattern))})" for pattern in every if not is_exact(pattern)]
    return parts[0] if len(parts) == 1 else f"({' || '.join(parts)})"


def changed(included: Iterable[str], excluded: Iterable[str] = ()) -> str:
    """The CEL condition that a changed file matches; it holds if the files are not known."""
    inside, outside = list(included), list(excluded)
    parts = [matches("file", inside)] if inside else []
    parts += [f"!({matches('file', outside)})"] if outside else []
    return f"(!has(event.changed_files) || event.changed_files.exists(file, {' && '.join(parts) or 'true'}))"


def overlap(first: str, second: str) -> bool:
    """Whether a name may match both patterns, as far as their beginnings tell."""
    if is_exact(first) or is_exact(second):
        exact, other = (first, second) if is_exact(first) else (second, first)
        if len(_WILDCARD.findall(other)) > _MOST_WILDCARDS or len(exact) > 255:
            return True
        return re.fullmatch(regex(other), exact) is not None
    one, two = _WILDCARD.split(first)[0], _WILDCARD.split(second)[0]
    return one.startswith(two) or two.startswith(one)


def _quoted(expression: str) -> str:
    return json.dumps(f"^{expression}$", ensure_ascii=False)
