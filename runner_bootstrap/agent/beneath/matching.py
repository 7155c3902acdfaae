"""Names that a glob matches beneath a directory. Links are followed where a pattern's part names them, never by **."""

from __future__ import annotations

import fnmatch
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from .held_directory import MOST_DEEP, HeldDirectory

WILDCARD = re.compile(r"[*?[]")


def matches(root: HeldDirectory, pattern: str) -> list[str]:
    """Returns the sorted names that a relative path or glob matches.

    As with Python's ``glob``, ``**`` stands for any number of directories, and wildcards do not match a leading dot.
    Names behind links out of the directory, and those deeper than ``MOST_DEEP``, are left out.
    """
    return sorted(set(_matching(root, PurePosixPath(pattern).parts or (".",), "")))


def _matching(root: HeldDirectory, parts: Sequence[str], above: str) -> Iterator[str]:
    """Yields the names below the directory ``above`` that match the rest of a pattern."""
    part, rest = parts[0], parts[1:]
    if part == "**":
        yield from _matching(root, rest, above) if rest else [above or "."]
        for name in _names(root, above):
            path = _joined(above, name)
            if name.startswith("."):
                continue
            if _is_directory_itself(root, path):
                yield from _matching(root, parts, path)
            elif not rest:
                yield path
        return
    for name in [part] if not WILDCARD.search(part) else _names(root, above):
        if name != part and not (fnmatch.fnmatchcase(name, part) and (part[0] == "." or name[0] != ".")):
            continue
        path = _joined(above, name)
        if rest:
            yield from _matching(root, rest, path)
        elif root.exists(path):
            yield path


def _names(root: HeldDirectory, path: str) -> list[str]:
    """Returns the names in a directory; none if it is none, or leads out."""
    if path.count("/") >= MOST_DEEP:
        return []
    try:
        with root.open_directory(path) as directory:
            return directory.names()
    except OSError:
        return []


def _is_directory_itself(root: HeldDirectory, path: str) -> bool:
    try:
        return stat.S_ISDIR(root.status(path).st_mode)
    except OSError:
        return False


def _joined(above: str, name: str) -> str:
    return f"{above}/{name}" if above else name
