"""Reads uploaded programs: a script, a `.jeu` package or a tar archive. Archives are unpacked in memory only."""

import bz2
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

from cadence.domain.melodium.stored_program import COMPO, MOST_BYTES, MOST_FILES
from cadence.domain.shared.errors import InvalidRequest, Violation

_JEU = b"#!/usr/bin/env melodium\n#! version "
_LARGEST = 4 * MOST_BYTES
"""Bytes of an unpacked archive: names and padding take room, too."""
_MOST_MEMBERS = 4 * MOST_FILES


def files_in(content: bytes, name: str = "program.mel") -> Mapping[str, bytes]:
    """Returns a program's files by relative path.

    Raises InvalidRequest if the archive is damaged, too large, or has members other than files within the program.
    """
    if content.startswith(_JEU):
        end = content.index(b"\n", len(_JEU)) + 1 if b"\n" in content[len(_JEU) :] else len(content)
        return _tree(_unpacked(content[end:], bz2.BZ2Decompressor().decompress))
    for magic, decompress in (
        (b"\x1f\x8b", zlib.decompressobj(wbits=31).decompress),
        (b"BZh", bz2.BZ2Decompressor().decompress),
        (b"\xfd7zXZ", lzma.LZMADecompressor().decompress),
    ):
        if content.startswith(magic):
            return _tree(_unpacked(content, decompress))
    if content[257:262] == b"ustar":
        return _tree(content)
    return {PurePosixPath(name).name or "program.mel": content}


def _unpacked(content: bytes, decompress: Callable[[bytes, int], bytes]) -> bytes:
    """Returns the unpacked content; stops after `_LARGEST` bytes, so that no archive can fill the memory."""
    try:
        unpacked = decompress(content, _LARGEST + 1)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise _refused(f"The archive is damaged: {error}.", "damaged") from None
    if len(unpacked) > _LARGEST:
        raise _refused(f"The archive unpacks to more than {_LARGEST:,} bytes.", "too_large")
    return unpacked


def _tree(content: bytes) -> Mapping[str, bytes]:
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            for number, member in enumerate(archive):
                if number >= _MOST_MEMBERS:
                    raise _refused(f"The archive has more than {_MOST_MEMBERS:,} members.", "too_many_files")
                if member.isdir():
                    continue
                if not member.isreg():
                    raise _refused(
                        f"{member.name[:100]!r} is a link or device; a program has files only.", "bad_member"
                    )
                opened = archive.extractfile(member)
                files[_relative_path(member.name)] = opened.read() if opened else b""
    except tarfile.TarError as error:
        raise _refused(f"The archive is damaged: {error}.", "damaged") from None
    return _rooted(files)


def _relative_path(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise _refused(f"{name[:100]!r} leads out of the program.", "bad_path")
    return str(path)


def _rooted(files: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """Returns the files relative to the folder of the `Compo.toml` that is nearest to the root."""
    candidates = sorted((path for path in files if PurePosixPath(path).name == COMPO), key=lambda path: path.count("/"))
    if not candidates or candidates[0] == COMPO:
        return files
    folder = candidates[0].removesuffix(COMPO)
    return {path.removeprefix(folder): content for path, content in files.items() if path.startswith(folder)}


def _refused(message: str, code: str) -> InvalidRequest:
    return InvalidRequest(message, [Violation("/program", message, code)])
