"""Directories that are built once for the same content and kept while they are used."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_UNUSED_SECONDS = 3 * 24 * 3600


def cached(directory: Path, name: str, fill: Callable[[Path], None]) -> Path:
    """Returns ``directory/name``. If it is missing, ``fill`` fills an empty directory beside it, which is then renamed.

    An interruption therefore leaves no incomplete directory. Of several processes that need the same one at the same
    time, one builds it and the others wait. Directories that were not requested in three days are removed.
    """
    finished = directory / name
    if not _touch(finished):
        directory.mkdir(parents=True, exist_ok=True)
        with _turn(directory / f".{name}.lock"):
            if not _touch(finished):
                _make(directory, finished, fill)
                _touch(finished)
        _remove_unused(directory)
    return finished


def _touch(finished: Path) -> bool:
    """Marks the directory as used now. False: it is missing, perhaps since another process removed it just now."""
    try:
        os.utime(finished)
    except FileNotFoundError:
        return False
    return True


@contextmanager
def _turn(lock: Path) -> Iterator[None]:
    with lock.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make(directory: Path, finished: Path, fill: Callable[[Path], None]) -> None:
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=directory) as unfinished:
        content = Path(unfinished, "content")
        content.mkdir()
        fill(content)
        _move(content, finished)


def _move(content: Path, finished: Path) -> None:
    try:
        content.rename(finished)
    except OSError:
        if not finished.is_dir():  # otherwise another process has built the same one
            raise


def _remove_unused(directory: Path) -> None:
    """Removes what was not used in three days. What other processes finish and remove meanwhile is left to them."""
    limit = time.time() - _UNUSED_SECONDS
    for path in directory.iterdir():
        try:
            used = path.stat().st_mtime
        except FileNotFoundError:  # an unfinished directory, which its process has renamed since the listing
            continue
        if used >= limit:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
