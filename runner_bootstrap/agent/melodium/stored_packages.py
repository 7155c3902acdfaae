"""Finds the Mélodium packages that are stored on this machine or in its image, for the programs of its engines.

Engines search the paths that they are given (``--path``), and then their home (``MELODIUM_HOME``), but that only once
their repository in the network has answered. So packages of a home are given as paths, too, and each engine has an
empty home of its own, in which nothing is left for the next one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from ..shared.errors import AgentError

#: The variable with the folders of packages, separated like those in PATH.
FOLDERS = "CADENCE_MELODIUM_PACKAGES"
#: The engine's own variable, whose folder is used if the other one is not set.
HOME = "MELODIUM_HOME"
_NUMBERS = re.compile(r"\d+")


def folders() -> "tuple[Path, ...]":
    """Returns the folders of packages: those that ``CADENCE_MELODIUM_PACKAGES`` names, else the home of engines."""
    named = os.environ.get(FOLDERS)
    names = [os.environ.get(HOME, "")] if named is None else named.split(os.pathsep)
    return tuple(Path(name).absolute() for name in names if name)


def locations(folder: Path, version: str) -> "list[str]":
    """Returns the paths at which an engine of this version finds the packages of a folder.

    A folder has packages itself (``NAME.jeu``, ``NAME.mel``, ``NAME/Compo.toml``, or its own ``Compo.toml``), or in the
    layout of an engine's home (``VERSION/NAME/VERSION OF PACKAGE/NAME.jeu``), newest first. Raises AgentError.
    """
    try:
        found = [folder] if _holds_packages(folder) else []
        found += sorted({file.parent for file in (folder / version).glob("*/*/*.jeu")}, key=_order, reverse=True)
    except OSError as error:
        raise AgentError(f"the packages in {folder} cannot be read: {error.strerror}") from error
    return list(map(str, found))


def changeable(folder: Path) -> "Path | None":
    """Returns a path by which this user could change what an engine loads from a folder; None if there is none.

    Links are such paths, since what they lead to is not looked at.
    """
    return next((path for path in _all_of(folder) if path.is_symlink() or os.access(path, os.W_OK)), None)


def _holds_packages(folder: Path) -> bool:
    patterns = ("Compo.toml", "*.jeu", "*.mel", "*/Compo.toml")
    return any(path.is_file() for pattern in patterns for path in folder.glob(pattern))


def _order(package: Path) -> "tuple[str, list[int]]":
    return package.parent.name, [int(number) for number in _NUMBERS.findall(package.name)]


def _all_of(folder: Path) -> Iterator[Path]:
    yield from (folder, *folder.parents)
    for where, directories, files in os.walk(folder):
        yield from (Path(where, name) for name in (*directories, *files))
