"""Tar archives: packed so that equal content gives equal bytes, unpacked so that nothing leaves the directory."""

from __future__ import annotations

import contextlib
import os
import stat
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from ..shared.errors import TreatmentFailed

BUFFER = 1 << 20
#: The time of all packed members, 1980-01-02 in UTC: one time, so that equal content gives equal bytes, and one that
#: ZIP files (wheels, jars) can hold in every time zone, since they know no time before 1980.
PACKED_AT = 315_619_200


def pack(root: Path, names: Iterable[str], out: IO[bytes]) -> None:
    """Packs ``names`` (relative to ``root``), directories with everything below them, in a stable order.

    Names, permissions, links and content are kept; owners and times are not. Memory use does not depend on the content.
    Raises TreatmentFailed for entries that could not be restored, OSError.
    """
    given = set(names)
    tops = (name for name in given if not any(str(parent) in given for parent in PurePosixPath(name).parents))
    with tarfile.open(fileobj=out, mode="w|", bufsize=BUFFER, format=tarfile.PAX_FORMAT) as archive:
        for name in _unfolded(root, sorted(tops)):
            _add(archive, root, name)


def unpack(content: IO[bytes], root: Path, what: str) -> None:
    """Unpacks an archive of any compression while it is read; ``what`` names it in messages.

    Raises TreatmentFailed if it is no archive, and for members that would leave ``root`` or are neither file, directory
    nor link.
    """
    root.mkdir(parents=True, exist_ok=True)
    boundary = root.resolve()
    try:
        with tarfile.open(fileobj=content, mode="r|*", bufsize=BUFFER) as archive:
            for member in archive:
                _extract(archive, member, boundary, what)
    except tarfile.ReadError as error:
        raise TreatmentFailed(f"{what} is no whole tar archive: {error}") from error
    except (tarfile.TarError, EOFError) as error:
        raise TreatmentFailed(f"{what} cannot be unpacked: {error}") from error


def inside(boundary: Path, path: Path) -> bool:
    """Returns whether ``path`` is in the directory (or is it) once all links are followed.

    ``boundary`` holds no links.
    """
    resolved = path.resolve()
    return resolved == boundary or boundary in resolved.parents


def _unfolded(root: Path, names: Iterable[str]) -> Iterator[str]:
    """Yields each name, and everything below it if it is a directory, parents first."""
    for name in names:
        if name != ".":
            yield name
        path = root / name
        if path.is_dir() and not path.is_symlink():
            below = sorted(os.listdir(path))
            yield from _unfolded(root, below if name == "." else (f"{name}/{entry}" for entry in below))


def _add(archive: tarfile.TarFile, root: Path, name: str) -> None:
    path = root / name
    status = path.lstat()
    member = tarfile.TarInfo(name)
    member.mtime = PACKED_AT
    member.mode = stat.S_IMODE(status.st_mode) & 0o777
    if stat.S_ISREG(status.st_mode):
        member.size = status.st_size
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            archive.addfile(member, file)
        return
    if stat.S_ISDIR(status.st_mode):
        member.type = tarfile.DIRTYPE
    elif stat.S_ISLNK(status.st_mode):
        member.type, member.linkname, member.mode = tarfile.SYMTYPE, os.readlink(path), 0o777
        if _leaves(name, member.linkname):
            raise TreatmentFailed(
                f"{name} is a link to {member.linkname}, out of what is packed: it could not be restored"
            )
    else:
        raise TreatmentFailed(f"{name} is neither a file, a directory nor a link: it cannot be packed")
    archive.addfile(member)


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, boundary: Path, what: str) -> None:
    """Replaces what exists at the member's place; never writes through it."""
    problem = _problem(member, boundary)
    if problem:
        raise TreatmentFailed(f"{what} is refused: its member {member.name!r} {problem}")
    target = boundary / member.name
    if target == boundary:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_symlink() or (target.exists() and not (target.is_dir() and member.isdir())):
        if target.is_dir() and not target.is_symlink():
            raise TreatmentFailed(f"{what} is refused: its member {member.name!r} is no directory, but there is one")
        target.unlink()
    member.mode = (member.mode & 0o755) | (0o700 if member.isdir() else 0o600)
    member.uid, member.gid, member.uname, member.gname = os.getuid(), os.getgid(), "", ""
    # Newer Pythons check members themselves, and warn unless the filter is named.
    safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    archive.extract(member, boundary, **safely)  # type: ignore[arg-type]


def _problem(member: tarfile.TarInfo, boundary: Path) -> str | None:
    parts = PurePosixPath(member.name).parts
    if member.name.startswith("/") or ".." in parts:
        return "would leave the directory"
    if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
        return "is neither a file, a directory nor a link"
    if not inside(boundary, (boundary / member.name).parent):
        return "would be written through a link out of the directory"
    if member.issym() and _leaves(member.name, member.linkname):
        return f"is a link to {member.linkname!r}, out of the directory"
    if member.islnk():
        source = boundary / member.linkname
        if _leaves("", member.linkname) or not inside(boundary, source) or not source.is_file() or source.is_symlink():
            return f"is a link to {member.linkname!r}, which is no file of the archive before it"
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
