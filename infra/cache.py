"""Directories that are built once for the same content and kept while they are used."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

_UNUSED_SECONDS = 3 * 24 * 3600


def cached(directory: Path, name: str, fill: Callable[[Path], None]) -> Path:
    """Returns ``directory/name``. If it is missing, ``fill`` fills an empty directory beside it, which is then renamed.

    An interruption therefore leaves no incomplete directory, and two processes may build the same one at the same time.
    Directories that were not requested in three days are removed.
    """
    finished = directory / name
    if not finished.is_dir():
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=directory) as unfinished:
            content = Path(unfinished, "content")
            content.mkdir()
            fill(content)
            _move(content, finished)
        _remove_unused(directory)
    os.utime(finished)
    return finished


def _move(content: Path, finished: Path) -> None:
    try:
        content.rename(finished)
    except OSError:
        if not finished.is_dir():  # otherwise another process has built the same one
            raise


def _remove_unused(directory: Path) -> None:
    limit = time.time() - _UNUSED_SECONDS
    for path in directory.iterdir():
        if path.stat().st_mtime < limit:
            shutil.rmtree(path, ignore_errors=True)
