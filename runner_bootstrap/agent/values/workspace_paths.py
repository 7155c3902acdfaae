"""Paths in the working directory that a document names: of restored inputs, captured outputs and caches."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import NamedTuple, Optional

from ..beneath.held_directory import HeldDirectory, LeadsOutside
from ..beneath.matching import WILDCARD, matches
from ..shared.errors import TreatmentFailed

_MOST_NAMED = 10


class MatchedPath(NamedTuple):
    """The files of a path, open: ``names`` below ``root``, to be packed, or one ``file``."""

    root: Optional[HeldDirectory] = None
    names: Sequence[str] = ()
    file: Optional[io.FileIO] = None


def is_archive(path: str) -> bool:
    """Returns whether a port's path is transferred as a tar archive: a directory (it ends in /) or a glob."""
    return path.endswith("/") or bool(WILDCARD.search(path))


def relative(path: str, what: str) -> str:
    """Returns a port's path without its last slash. Raises TreatmentFailed for one that is not within a directory."""
    parts = PurePosixPath(path).parts
    if path.startswith("/") or ".." in parts or "\0" in path:
        raise TreatmentFailed(f"{what}: {path} is no path within the working directory")
    return str(PurePosixPath(path))


def find(work: HeldDirectory, path: str, what: str) -> MatchedPath:
    """Opens the files of a port's ``path``.

    Names are relative to the directory, or to the part before a glob's wildcard. Raises TreatmentFailed, naming what
    the directory holds, if nothing matches or a match is outside of the directory.
    """
    pattern = relative(path, what)
    glob = bool(WILDCARD.search(path))
    kind = "is no file" if not is_archive(path) else "is no directory"
    try:
        if not is_archive(path):
            return MatchedPath(file=work.open_file(pattern))
        if not glob:
            return MatchedPath(work.open_directory(pattern), ["."])
        names = matches(work, pattern)
        if names:
            fixed = _before_wildcard(pattern)
            return MatchedPath(work.open_directory(fixed), [os.path.relpath(name, fixed) for name in names])
    except LeadsOutside:
        raise nothing(work, path, what, "is outside of the working directory") from None
    except OSError:
        raise nothing(work, path, what, "matches nothing" if glob else kind) from None
    raise nothing(work, path, what, "matches nothing")


def _before_wildcard(pattern: str) -> str:
    fixed = []
    for part in PurePosixPath(pattern).parts:
        if WILDCARD.search(part):
            break
        fixed.append(part)
    return "/".join(fixed) or "."


def nothing(work: HeldDirectory, path: str, what: str, problem: str) -> TreatmentFailed:
    """Returns the error for a path that cannot be used, with what the directory holds instead."""
    names = work.names()
    listed = ", ".join(names[:_MOST_NAMED]) + (
        f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    )
    return TreatmentFailed(
        f"{what}: {path} {problem} in the working directory {work.path}; there is {listed or 'nothing'}"
    )
