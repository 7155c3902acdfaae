"""Files of a working tree that are sent with the request for a run: a tar archive, compressed with gzip."""

import io
import tarfile
import zlib
from pathlib import PurePosixPath

from cadence.domain.shared.errors import InvalidRequest, TooLarge, Violation

LARGEST_SENT = 7 << 19
"""Bytes of the compressed archive: a request has at most 5 MiB, in base64 a third more than its content."""
LARGEST_UNPACKED = 128 << 20
MOST_SENT_ENTRIES = 50_000
_GZIP = 16 + zlib.MAX_WBITS


def unpacked_tree(compressed: bytes) -> bytes:
    """Returns the archive, after its members were checked: files, directories and links with paths below it.

    Raises InvalidRequest and TooLarge.
    """
    unpacking = zlib.decompressobj(_GZIP)
    try:
        content = unpacking.decompress(compressed, LARGEST_UNPACKED + 1)
    except zlib.error:
        raise _refused("The files of the working tree are not compressed with gzip.") from None
    if len(content) > LARGEST_UNPACKED or unpacking.unconsumed_tail:
        raise TooLarge(f"The files of the working tree are larger than {LARGEST_UNPACKED >> 20} MiB in all.")
    if not unpacking.eof or unpacking.unused_data:
        raise _refused("The files of the working tree were cut off.")
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            for number, member in enumerate(archive):
                _check(member, number)
    except tarfile.TarError:
        raise _refused("The files of the working tree are no tar archive.") from None
    return content


def _check(member: tarfile.TarInfo, number: int) -> None:
    if number >= MOST_SENT_ENTRIES:
        raise TooLarge(f"The working tree has more than {MOST_SENT_ENTRIES:,} files and directories.")
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or not (member.isreg() or member.isdir() or member.issym()):
        raise _refused(f"{member.name[:200]!r} is no file, directory or symbolic link below the working tree.")


def _refused(message: str) -> InvalidRequest:
    return InvalidRequest(message, [Violation("/source", message)])
