"""Packs the tree of a commit into a tar archive whose bytes depend on the files alone."""

import io
import stat
import tarfile
from collections.abc import Iterator

from dulwich.object_store import BaseObjectStore
from dulwich.objects import Blob, ObjectID, Tree

from cadence.domain.shared.errors import NotFound, TooLarge

LARGEST_ARCHIVE = 128 << 20
"""Bytes of all files together, unpacked."""
MOST_ENTRIES = 50_000
_PACKED_AT = 315_619_200
"""The time of all members, 1980-01-02 in UTC: like that of the archives of agents."""
_RECORD = 512


def pack_tree(store: BaseObjectStore, tree: ObjectID) -> bytes:
    """Returns the archive of a tree: files with their executable bit, directories, symbolic links.

    A submodule becomes an empty directory. Raises TooLarge, and KeyError or NotFound if the store lacks an object.
    """
    packed = io.BytesIO()
    size = 0
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for number, (name, mode, sha) in enumerate(_entries(store, tree, "")):
            if number >= MOST_ENTRIES:
                raise TooLarge(f"The commit has more than {MOST_ENTRIES:,} files and directories.")
            member = tarfile.TarInfo(name)
            member.mtime = _PACKED_AT
            if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
                member.type, member.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(member)
                continue
            blob = store[sha]
            if not isinstance(blob, Blob):
                raise NotFound(f"{name} is no file in the repository.")
            # Before the content is copied: a tree can name one large file many times.
            size += blob.raw_length() + _RECORD
            if size > LARGEST_ARCHIVE:
                raise TooLarge(f"The files of the commit are larger than {LARGEST_ARCHIVE >> 20} MiB in all.")
            content = blob.as_raw_string()
            if stat.S_ISLNK(mode):
                member.type, member.mode = tarfile.SYMTYPE, 0o777
                member.linkname = content.decode("utf-8", "surrogateescape")
                archive.addfile(member)
                continue
            member.size, member.mode = len(content), 0o755 if mode & 0o100 else 0o644
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _entries(store: BaseObjectStore, tree: ObjectID, prefix: str) -> Iterator[tuple[str, int, ObjectID]]:
    """Yields path, mode and object of everything in a tree, directories before what they contain."""
    waiting = [(tree, prefix)]
    while waiting:
        folder, prefix = waiting.pop()
        content = store[folder]
        if not isinstance(content, Tree):
            raise NotFound(f"{prefix or 'The commit'} is no directory in the repository.")
        for entry in content.iteritems():
            name = prefix + entry.path.decode("utf-8", "surrogateescape")
            yield name, entry.mode, entry.sha
            if stat.S_ISDIR(entry.mode):
                waiting.append((entry.sha, f"{name}/"))
