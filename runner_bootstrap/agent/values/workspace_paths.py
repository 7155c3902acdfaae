"""Paths in the working directory that a document names: of restored inputs, captured outputs and caches."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ..shared.errors import TreatmentFailed
from .archives import inside

_WILDCARD = re.compile(r"[*?[]")
_MOST_NAMED = 10


class MatchedPath(NamedTuple):
    """The files of a path: ``names`` below ``root``, to be packed, or the one file ``root`` if ``names`` is None."""

    root: Path
    names: Sequence[str] | None


def is_archive(path: str) -> bool:
    """Returns whether a port's path is transferred as a tar archive: a directory (it ends in /) or a glob."""
    return path.endswith("/") or bool(_WILDCARD.search(path))


def target(work: Path, path: str, what: str) -> Path:
    """Returns where something has to be written. Raises TreatmentFailed for a path outside of the working directory."""
    target_path = work / _relative(path, what)
    if not inside(work, target_path.parent) or not inside(work, target_path):
        raise TreatmentFailed(f"{what}: {path} is outside of the working directory")
    return target_path


def find(work: Path, path: str, what: str) -> MatchedPath:
    """Returns the files of a port's ``path``.

    Names are relative to the directory, or to the part before a glob's wildcard. Raises TreatmentFailed, naming what
    the directory holds, if nothing matches or a match is outside of the directory.
    """
    pattern = _relative(path, what)
    if not is_archive(path):
        file = work / pattern
        if not file.is_file() or not inside(work, file):
            raise nothing(work, path, what, "is outside of the working directory" if file.is_file() else "is no file")
        return MatchedPath(file, None)
    if path.endswith("/") and not _WILDCARD.search(path):
        root = work / pattern
        if not root.is_dir() or not inside(work, root):
            raise nothing(
                work, path, what, "is outside of the working directory" if root.is_dir() else "is no directory"
            )
        return MatchedPath(root, ["."])
    fixed = _before_wildcard(pattern)
    names = matches(work, pattern)
    if not names:
        raise nothing(work, path, what, "matches nothing")
    return MatchedPath(work / fixed, [os.path.relpath(name, fixed) for name in names])


def matches(work: Path, pattern: str) -> list[str]:
    """Returns the sorted names that a relative path or glob matches, except through links out of the directory."""
    matches_ = glob.iglob(os.path.join(glob.escape(str(work)), pattern), recursive=True)
    names = {os.path.normpath(os.path.relpath(match, work)) for match in matches_}
    return sorted(name for name in names if inside(work, (work / name).parent))


def _relative(path: str, what: str) -> str:
    parts = PurePosixPath(path).parts
    if path.startswith("/") or ".." in parts or "\0" in path:
        raise TreatmentFailed(f"{what}: {path} is no path within the working directory")
    return str(PurePosixPath(path))


def _before_wildcard(pattern: str) -> str:
    fixed = []
    for part in PurePosixPath(pattern).parts:
        if _WILDCARD.search(part):
            break
        fixed.append(part)
    return "/".join(fixed) or "."


def nothing(work: Path, path: str, what: str, problem: str) -> TreatmentFailed:
    """Returns the error for a path that cannot be used, with what the directory holds instead."""
    names = sorted(os.listdir(work))
    listed = ", ".join(names[:_MOST_NAMED]) + (
        f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    )
    return TreatmentFailed(f"{what}: {path} {problem} in the working directory {work}; there is {listed or 'nothing'}")
