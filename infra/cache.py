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
    if not finished.is_dir():
        directory.mkdir(parents=True, exist_ok=True)
        with _turn(directory / f".{name}.lock"):
            if not finished.is_dir():
                _make(directory, finished, fill)
        _remove_unused(directory)
    os.utime(finished)
    return finished


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
    limit = time.time() - _UNUSED_SECONDS
    for path in directory.iterdir():
        if path.stat().st_mtime >= limit:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
