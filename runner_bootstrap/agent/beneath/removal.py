"""Deletes trees that commands made, however deep they are and whatever is in them."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LOOK = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_tree(root: Path, last: str | None = None) -> None:
    """Deletes a tree like ``rm -rf``, and leaves what this user may not delete.

    ``last`` is a file in ``root`` that stays until nothing else is left there.

    Links are deleted, never followed. Directories move up to ``root`` before their content is deleted, so neither the
    depth of the tree nor the length of its paths has a limit.
    """
    try:
        with _parent(root) as parent:
            _make_accessible(parent, root.name)
            top = os.open(root.name, _OPEN, dir_fd=parent)
            try:
                _TreeRemoval(top, last).run()
            finally:
                os.close(top)
            os.rmdir(root.name, dir_fd=parent)
    except OSError:
        # It is gone, or something in it belongs to another user; the next sweep tries again.
        return


class _TreeRemoval:
    """``top`` is the descriptor of the tree's root; ``last`` as in ``remove_tree``."""

    def __init__(self, top: int, last: str | None) -> None:
        self._top, self._last = top, last
        self._numbers = itertools.count()

    def run(self) -> None:
        waiting = self._empty(self._top)
        while waiting:
            name = waiting.pop()
            with contextlib.suppress(OSError):
                _make_accessible(self._top, name)
                directory = os.open(name, _OPEN, dir_fd=self._top)
                try:
                    waiting += [self._moved_up(directory, below) for below in self._empty(directory)]
                finally:
                    os.close(directory)
                os.rmdir(name, dir_fd=self._top)
        if self._last is not None and os.listdir(self._top) == [self._last]:
            os.unlink(self._last, dir_fd=self._top)

    def _empty(self, directory: int) -> list[str]:
        """Deletes the files of a directory; returns the names of what is left, which are mostly directories."""
        left = []
        for name in os.listdir(directory):
            if directory == self._top and name == self._last:
                continue
            try:
                os.unlink(name, dir_fd=directory)
            except FileNotFoundError:
                continue
            except OSError:
                left.append(name)
        return left

    def _moved_up(self, directory: int, name: str) -> str:
        _make_accessible(directory, name)
        while True:
            new_name = f".removed-{next(self._numbers)}"
            try:
                os.stat(new_name, dir_fd=self._top, follow_symlinks=False)
            except FileNotFoundError:
                os.rename(name, new_name, src_dir_fd=directory, dst_dir_fd=self._top)
                return new_name


@contextlib.contextmanager
def _parent(root: Path) -> Iterator[int]:
    descriptor = os.open(root.parent, _LOOK & ~os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _make_accessible(parent: int, name: str) -> None:
    """Makes a directory of this user writable; its entries could be neither deleted nor moved otherwise."""
    directory = os.open(name, _LOOK, dir_fd=parent)
    try:
        if os.fstat(directory).st_mode & 0o700 != 0o700:
            os.chmod(name, 0o700, dir_fd=parent)
    finally:
        os.close(directory)
