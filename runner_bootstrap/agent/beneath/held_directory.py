"""A directory that is held open by its descriptor, so that no later link or rename leads out of it."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import secrets
import stat
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from .openat2 import open_beneath

#: Links that are followed for one path, as in the kernel, and directories below one another.
MOST_LINKS, MOST_DEEP = 40, 256
_ENTER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CREATE = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
#: Neither a FIFO nor a terminal may hold the agent up in the moment until its kind is known.
_CAREFULLY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class LeadsOutside(OSError):
    """A path that leads out of the directory."""


class NotRegular(OSError):
    """A path that is no regular file: a directory, link, FIFO, socket or device."""


class HeldDirectory:
    """Opens what is beneath a directory. Names are relative to it; links are followed as long as they stay beneath it.

    Every method raises OSError, LeadsOutside among them.
    """

    def __init__(self, path: Path, descriptor: int | None = None) -> None:
        """Opens ``path`` itself, unless it is open as ``descriptor``, which then belongs to this object."""
        self.path = path
        self.descriptor = os.open(path, _READ_DIRECTORY) if descriptor is None else descriptor

    def close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def __enter__(self) -> HeldDirectory:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def names(self) -> list[str]:
        """Returns the sorted names in the directory itself."""
        return sorted(os.listdir(self.descriptor))

    def status(self, name: str) -> os.stat_result:
        """Returns the status of a file, directory or other thing; of a link itself, if the last part is one."""
        with self._located(name, follow=False) as (parent, last):
            return os.stat(last, dir_fd=parent, follow_symlinks=False)

    def exists(self, name: str) -> bool:
        """Returns whether there is something, even a link that leads nowhere."""
        try:
            self.status(name)
        except OSError:
            return False
        return True

    def read_link(self, name: str) -> str:
        """Returns where a link leads, as it is written."""
        with self._located(name, follow=False) as (parent, last):
            return os.readlink(last, dir_fd=parent)

    def open_directory(self, name: str) -> HeldDirectory:
        """Opens a directory, which then limits what is opened beneath it."""
        with self._located(name, follow=True) as (parent, last):
            return HeldDirectory(self.path / name, os.open(last, _READ_DIRECTORY, dir_fd=parent))

    def open_file(self, name: str) -> io.FileIO:
        """Opens a regular file for reading. Raises NotRegular for anything else, without opening it."""
        with self._located(name, follow=True) as (parent, last):
            before = os.stat(last, dir_fd=parent, follow_symlinks=False)
            _require_regular(before, name)
            descriptor = os.open(last, os.O_RDONLY | _CAREFULLY, dir_fd=parent)
        after = os.fstat(descriptor)
        if (before.st_dev, before.st_ino) != (after.st_dev, after.st_ino):
            os.close(descriptor)
            raise NotRegular(errno.ESTALE, "it was exchanged while it was opened", name)
        os.set_blocking(descriptor, True)
        return io.FileIO(descriptor)

    def create_file(self, name: str, flags: int = 0) -> io.FileIO:
        """Creates a file for writing (mode 0600) in place of what has its name, which is never written through.

        A directory of that name is an error.
        """
        with self._located(name, follow=False) as (parent, last):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(last, dir_fd=parent)
            return io.FileIO(os.open(last, _CREATE | os.O_WRONLY | flags, 0o600, dir_fd=parent), "w")

    def replace_file(self, name: str, content: bytes) -> None:
        """Puts a file (mode 0600) with this content in place of what has the name, at once for those who read it."""
        fresh = f".new-{secrets.token_hex(8)}"
        with io.FileIO(os.open(fresh, _CREATE | os.O_WRONLY, 0o600, dir_fd=self.descriptor), "w") as file:
            write_all(file, content)
        os.replace(fresh, name, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)

    def temporary_file(self) -> io.FileIO:
        """Creates a file for reading and writing that has no name any more."""
        name = f".temporary-{secrets.token_hex(8)}"
        file = io.FileIO(os.open(name, _CREATE | os.O_RDWR, 0o600, dir_fd=self.descriptor), "r+")
        os.unlink(name, dir_fd=self.descriptor)
        return file

    def make_directories(self, name: str) -> None:
        """Creates a directory and those above it, unless they exist (mode 0700 for new ones)."""
        with self._walked(_parts(name), follow=True, create=True) as (parent, last):
            if last != ".":
                _make_directory(parent, last)

    def replace_by_directory(self, name: str, mode: int) -> None:
        """Creates a directory in place of what has its name and is none; gives it ``mode`` in any case."""
        with self._located(name, follow=False) as (parent, last):
            with contextlib.suppress(FileNotFoundError):
                if not stat.S_ISDIR(os.stat(last, dir_fd=parent, follow_symlinks=False).st_mode):
                    os.unlink(last, dir_fd=parent)
            _make_directory(parent, last)
            directory = os.open(last, _READ_DIRECTORY, dir_fd=parent)
            try:
                os.fchmod(directory, mode)
            finally:
                os.close(directory)

    def make_link(self, name: str, target: str) -> None:
        """Creates a link in place of what has its name."""
        with self._located(name, follow=False) as (parent, last):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(last, dir_fd=parent)
            os.symlink(target, last, dir_fd=parent)

    def make_hard_link(self, name: str, existing: str) -> None:
        """Creates another name of a regular file beneath this directory. Raises NotRegular."""
        with self._located(existing, follow=False) as (source_parent, source):
            _require_regular(os.stat(source, dir_fd=source_parent, follow_symlinks=False), existing)
            with self._located(name, follow=False) as (parent, last):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(last, dir_fd=parent)
                os.link(source, last, src_dir_fd=source_parent, dst_dir_fd=parent, follow_symlinks=False)

    @contextlib.contextmanager
    def _located(self, name: str, follow: bool) -> Iterator[tuple[int, str]]:
        """Yields the directory that a name is in and its last part, which is no link if links are to be followed."""
        parts = _parts(name)
        if len(parts) <= MOST_DEEP and parts[-1:] != [".."]:
            parent = open_beneath(self.descriptor, "/".join(parts[:-1]) or ".", _ENTER & ~os.O_NOFOLLOW)
            if parent is not None:
                try:
                    last = parts[-1] if parts else "."
                    if not follow or _link(parent, last) is None:
                        yield parent, last
                        return
                finally:
                    os.close(parent)
        with self._walked(parts, follow) as found:
            yield found

    @contextlib.contextmanager
    def _walked(self, parts: Sequence[str], follow: bool, create: bool = False) -> Iterator[tuple[int, str]]:
        """Does the same in steps; ``create`` makes directories that are missing above the last part."""
        walk = _Walk(self, parts, create)
        try:
            yield walk.to_last(follow)
        finally:
            walk.close()

    def beneath(self, link: str) -> str:
        """Returns an absolute link as a relative one; commands may write the directory's own path."""
        parts, own = PurePosixPath(link).parts, self.path.parts
        if parts[: len(own)] != own:
            raise LeadsOutside(errno.EXDEV, "it leads out of the directory", link)
        return "/".join(parts[len(own) :])


class _Walk:
    """Enters one directory after the other: ``..`` leads back the way it came, whatever is renamed meanwhile."""

    def __init__(self, start: HeldDirectory, parts: Sequence[str], create: bool) -> None:
        self._start, self._create = start, create
        self._name = "/".join(parts)
        self._trail, self._pending, self._links = [os.dup(start.descriptor)], deque(parts), 0

    def to_last(self, follow: bool) -> tuple[int, str]:
        """Returns the directory that the last part is in, and that part."""
        while self._pending:
            part = self._pending.popleft()
            link = _link(self._trail[-1], part) if part != ".." and (self._pending or follow) else None
            if part == "..":
                self._leave()
            elif link is not None:
                self._follow(link)
            elif self._pending:
                self._enter(part)
            else:
                return self._trail[-1], part
        return self._trail[-1], "."

    def close(self) -> None:
        for descriptor in self._trail:
            os.close(descriptor)

    def _enter(self, part: str) -> None:
        if len(self._trail) > MOST_DEEP:
            raise OSError(errno.ENAMETOOLONG, f"it is more than {MOST_DEEP} directories deep", self._name)
        if self._create:
            _make_directory(self._trail[-1], part)
        self._trail.append(os.open(part, _ENTER, dir_fd=self._trail[-1]))

    def _leave(self) -> None:
        if len(self._trail) == 1:
            raise LeadsOutside(errno.EXDEV, "it leads out of the directory", self._name)
        os.close(self._trail.pop())

    def _follow(self, link: str) -> None:
        self._links += 1
        if self._links > MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), self._name)
        if link.startswith("/"):
            link = self._start.beneath(link)
            while len(self._trail) > 1:
                os.close(self._trail.pop())
        self._pending.extendleft(reversed(_parts(link)))


def write_all(file: io.FileIO, content: bytes) -> None:
    """Writes all of ``content`` to an unbuffered file."""
    rest = memoryview(content)
    while len(rest):
        rest = rest[file.write(rest) or 0 :]


def _parts(name: str) -> list[str]:
    if name.startswith("/") or "\0" in name:
        raise LeadsOutside(errno.EXDEV, "it is no relative path", name)
    return [part for part in name.split("/") if part not in ("", ".")]


def _link(parent: int, name: str) -> str | None:
    """Returns where a link leads; None if there is none of this name."""
    try:
        return os.readlink(name, dir_fd=parent)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOENT):
            return None
        raise


def _make_directory(parent: int, name: str) -> None:
    try:
        os.mkdir(name, 0o700, dir_fd=parent)
    except FileExistsError:
        if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            raise


def _require_regular(status: os.stat_result, name: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise NotRegular(errno.EINVAL, "it is no regular file", name)
