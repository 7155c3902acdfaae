"""Tar archives: packed so that equal content gives equal bytes, unpacked so that nothing leaves the directory."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import IO, Any

from ..beneath.held_directory import MOST_DEEP, HeldDirectory, LeadsOutside, NotRegular
from ..shared.errors import TreatmentFailed

BUFFER = 1 << 20
#: The time of all packed members, 1980-01-02 in UTC: one time, so that equal content gives equal bytes, and one that
#: ZIP files (wheels, jars) can hold in every time zone, since they know no time before 1980.
PACKED_AT = 315_619_200
_END = bytes(tarfile.BLOCKSIZE)


def pack(root: HeldDirectory, names: Iterable[str], out: IO[bytes]) -> None:
    """Packs ``names`` (relative to ``root``), directories with everything below them, in a stable order.

    Names, permissions, links and content are kept; owners and times are not. Memory use does not depend on the content.
    Raises TreatmentFailed for entries that could not be restored, OSError.
    """
    given = set(names)
    tops = (name for name in given if not any(str(parent) in given for parent in PurePosixPath(name).parents))
    with tarfile.open(fileobj=out, mode="w|", bufsize=BUFFER, format=tarfile.PAX_FORMAT) as archive:
        for name in _unfolded(root, sorted(tops)):
            _add(archive, root, name)


def unpack(content: IO[bytes], root: HeldDirectory, what: str) -> None:
    """Unpacks an archive of any compression while it is read; ``what`` names it in messages.

    Archives that follow each other are all unpacked: they come from the instances of a matrix. Raises TreatmentFailed
    if it is no archive, and for members that would leave ``root``, are neither file, directory nor link, or have no
    possible name. Raises OSError.
    """
    try:
        with contextlib.ExitStack() as opened:
            for archive in _archives(content, opened):
                for member in archive:
                    problem = _problem(member) or _extract(archive, member, root)
                    if problem:
                        raise TreatmentFailed(f"{what} is refused: its member {shown(member.name)} {problem}")
    except tarfile.ReadError as error:
        raise TreatmentFailed(f"{what} is no whole tar archive: {error}") from error
    except (tarfile.TarError, EOFError) as error:
        raise TreatmentFailed(f"{what} cannot be unpacked: {error}") from error


def _archives(content: IO[bytes], opened: contextlib.ExitStack) -> Iterator[tarfile.TarFile]:
    """Yields each archive of the content, to be read whole before the next one."""
    archive = opened.enter_context(tarfile.open(fileobj=content, mode="r|*", bufsize=BUFFER))
    while True:
        yield archive
        stream: Any = archive.fileobj
        first = _END
        while first == _END:  # an archive is filled up with empty blocks
            first = stream.read(tarfile.BLOCKSIZE)
        if not first.strip(b"\0"):
            return
        rest: Any = _Rest(first, stream)
        archive = opened.enter_context(tarfile.open(fileobj=rest, mode="r|", bufsize=BUFFER))


class _Rest:
    """What is left of a stream of which the first bytes were read already."""

    def __init__(self, first: bytes, stream: IO[bytes]) -> None:
        self._first, self._stream = first, stream

    def read(self, size: int) -> bytes:
        piece, self._first = self._first, b""
        return piece or self._stream.read(size)


def shown(name: str) -> str:
    """Returns a name as messages quote it."""
    return repr(name if len(name) <= _MOST_SHOWN else f"{name[:_MOST_SHOWN]}…")


def _unfolded(root: HeldDirectory, names: Iterable[str]) -> Iterator[str]:
    """Yields each name, and everything below it if it is a directory, parents first."""
    for name in names:
        if name != ".":
            yield name
        if stat.S_ISDIR(root.status(name).st_mode):
            if name.count("/") >= MOST_DEEP:
                raise TreatmentFailed(f"{shown(name)} is more than {MOST_DEEP} directories deep: it cannot be packed")
            with root.open_directory(name) as directory:
                below = directory.names()
            yield from _unfolded(root, below if name == "." else (f"{name}/{entry}" for entry in below))


def _add(archive: tarfile.TarFile, root: HeldDirectory, name: str) -> None:
    status = root.status(name)
    member = tarfile.TarInfo(name)
    member.mtime = PACKED_AT
    member.mode = stat.S_IMODE(status.st_mode) & 0o777
    if stat.S_ISREG(status.st_mode):
        with root.open_file(name) as file:
            member.size = os.fstat(file.fileno()).st_size
            archive.addfile(member, file)
        return
    if stat.S_ISDIR(status.st_mode):
        member.type = tarfile.DIRTYPE
    elif stat.S_ISLNK(status.st_mode):
        member.type, member.linkname, member.mode = tarfile.SYMTYPE, root.read_link(name), 0o777
        if _leaves(name, member.linkname):
            raise TreatmentFailed(
                f"{name} is a link to {member.linkname}, out of what is packed: it could not be restored"
            )
    else:
        raise TreatmentFailed(f"{name} is neither a file, a directory nor a link: it cannot be packed")
    archive.addfile(member)


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, root: HeldDirectory) -> str | None:
    """Replaces what exists at the member's place, never writes through it; returns why the member is refused."""
    name = str(PurePosixPath(member.name))
    if name == ".":
        return None
    try:
        root.make_directories(os.path.dirname(name))
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISDIR(root.status(name).st_mode) and not member.isdir():
                return "is no directory, but there is one"
    except LeadsOutside:
        return "would be written through a link out of the directory"
    if member.islnk():
        try:
            root.make_hard_link(name, str(PurePosixPath(member.linkname)))
        except (LeadsOutside, NotRegular, FileNotFoundError, NotADirectoryError):
            return f"is a link to {shown(member.linkname)}, which is no file of the archive before it"
    elif member.issym():
        root.make_link(name, member.linkname)
    elif member.isdir():
        root.replace_by_directory(name, (member.mode & 0o755) | 0o700)
    else:
        content = archive.extractfile(member)
        assert content
        with root.create_file(name) as file:
            shutil.copyfileobj(content, file, BUFFER)
            os.fchmod(file.fileno(), (member.mode & 0o755) | 0o600)
            os.utime(file.fileno(), (member.mtime, member.mtime))
    return None


def _problem(member: tarfile.TarInfo) -> str | None:
    parts = PurePosixPath(member.name).parts
    if member.name.startswith("/") or ".." in parts:
        return "would leave the directory"
    if "\0" in member.name or "\0" in member.linkname or len(parts) > MOST_DEEP:
        return f"has a name that no file can have here (at most {MOST_DEEP} directories deep)"
    if any(len(os.fsencode(part)) > _LONGEST_PART for part in parts):
        return f"has a name with more than {_LONGEST_PART} bytes between two slashes"
    if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
        return "is neither a file, a directory nor a link"
    if member.issym() and _leaves(member.name, member.linkname):
        return f"is a link to {shown(member.linkname)}, out of the directory"
    if member.islnk() and _leaves("", member.linkname):
        return f"is a link to {shown(member.linkname)}, which is no file of the archive before it"
    return None


def _leaves(name: str, link: str) -> bool:
    """Returns whether a link at ``name``, as it is written, leads out of the directory that names are relative to."""
    depth = len(PurePosixPath(name).parts) - 1 if name else 0
    for part in PurePosixPath(link).parts:
        depth += -1 if part == ".." else 1
        if depth < 0 or part == "/":
            return True
    return False


@contextlib.contextmanager
def pipe() -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Yields a reading and a writing end, for two threads; closes both afterwards."""
    reader, writer = os.pipe()
    with open(reader, "rb", buffering=0) as incoming, open(writer, "wb") as outgoing:
        yield incoming, outgoing


_MOST_SHOWN, _LONGEST_PART = 200, 255
