"""Packs the files of a commit into a tar archive whose bytes depend on the files alone."""

import io
import stat
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from dulwich.object_store import BaseObjectStore
from dulwich.objects import Blob, ObjectID, Tree

from cadence.domain.shared.errors import NotFound, TooLarge

LARGEST_ARCHIVE = 128 << 20
"""Bytes of all files together, unpacked."""
MOST_ENTRIES = 50_000
_MOST_VISITED = 1_000_000
"""Entries of trees that are looked at to choose among them: a few trees can name each other very often."""
_PACKED_AT = 315_619_200
"""The time of all members, 1980-01-02 in UTC: like that of the archives of agents."""
_RECORD = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeEntry:
    """A file, directory, symbolic link or submodule in a tree; `path` is its path from the root of the archive."""

    path: str
    mode: int
    sha: ObjectID

    @property
    def is_directory(self) -> bool:
        return stat.S_ISDIR(self.mode)

    @property
    def is_file(self) -> bool:
        return stat.S_ISREG(self.mode)

    @property
    def has_content(self) -> bool:
        """Whether it is a file or a symbolic link; neither a directory nor a submodule."""
        return self.is_file or stat.S_ISLNK(self.mode)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedFile:
    """An entry with the size of its content, and how to read it."""

    entry: TreeEntry
    size: int
    read: Callable[[], bytes]


def walk(store: BaseObjectStore, tree: ObjectID, prefix: str) -> Iterator[TreeEntry]:
    """Yields everything in a tree, directories before what they contain. `prefix` ends in a slash or is empty.

    Raises TooLarge, and KeyError or NotFound if the store lacks an object.
    """
    visited = 0
    waiting = [(tree, prefix)]
    while waiting:
        folder, within = waiting.pop()
        content = store[folder]
        if not isinstance(content, Tree):
            raise NotFound(f"{within or 'The commit'} is no directory in the repository.")
        for entry in content.iteritems():
            visited += 1
            if visited > _MOST_VISITED:
                raise TooLarge(f"The commit has more than {_MOST_VISITED:,} files and directories.")
            path = within + entry.path.decode("utf-8", "surrogateescape")
            yield TreeEntry(path=path, mode=entry.mode, sha=entry.sha)
            if stat.S_ISDIR(entry.mode):
                waiting.append((entry.sha, f"{path}/"))


def blob_of(store: BaseObjectStore, entry: TreeEntry) -> Blob:
    """Returns the content of a file or symbolic link. Raises KeyError or NotFound if the store does not have it."""
    blob = store[entry.sha]
    if not isinstance(blob, Blob):
        raise NotFound(f"{entry.path} is no file in the repository.")
    return blob


def pack(files: Iterable[PackedFile]) -> bytes:
    """Returns the archive: files with their executable bit, directories, symbolic links.

    A submodule is a directory. Raises TooLarge.
    """
    packed = io.BytesIO()
    size = 0
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for number, file in enumerate(files):
            if number >= MOST_ENTRIES:
                raise TooLarge(f"The commit has more than {MOST_ENTRIES:,} files and directories.")
            member = tarfile.TarInfo(file.entry.path)
            member.mtime = _PACKED_AT
            if not file.entry.has_content:
                member.type, member.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(member)
                continue
            # Before the content is copied: a tree can name one large file many times.
            size += file.size + _RECORD
            if size > LARGEST_ARCHIVE:
                raise TooLarge(f"The files of the commit are larger than {LARGEST_ARCHIVE >> 20} MiB in all.")
            content = file.read()
            if not file.entry.is_file:
                member.type, member.mode = tarfile.SYMTYPE, 0o777
                member.linkname = content.decode("utf-8", "surrogateescape")
                archive.addfile(member)
                continue
            member.size, member.mode = len(content), 0o755 if file.entry.mode & 0o100 else 0o644
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()
