"""Programs as they arrive: a script, a `.jeu` package, or a tar archive. Nothing of an archive is ever written anywhere."""

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
"""Of an unpacked archive: names and padding take room, too."""
_MOST_MEMBERS = 4 * MOST_FILES


def files_in(content: bytes, name: str = "program.mel") -> Mapping[str, bytes]:
    """Contents by path. Raises InvalidRequest for what is refused, and says why."""
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
    """No more than a program may have, whatever it unpacks to."""
    try:
        found = decompress(content, _LARGEST + 1)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise _refused(f"The archive is damaged: {error}.", "damaged") from None
    if len(found) > _LARGEST:
        raise _refused(f"The archive unpacks to more than {_LARGEST:,} bytes.", "too_large")
    return found


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
                files[_plain(member.name)] = opened.read() if opened else b""
    except tarfile.TarError as error:
        raise _refused(f"The archive is damaged: {error}.", "damaged") from None
    return _rooted(files)


def _plain(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise _refused(f"{name[:100]!r} leads out of the program.", "bad_path")
    return str(path)


def _rooted(files: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """Relative to the folder of the `Compo.toml` that is nearest to the root."""
    places = sorted((path for path in files if PurePosixPath(path).name == COMPO), key=lambda path: path.count("/"))
    if not places or places[0] == COMPO:
        return files
    folder = places[0].removesuffix(COMPO)
    return {path.removeprefix(folder): content for path, content in files.items() if path.startswith(folder)}


def _refused(message: str, code: str) -> InvalidRequest:
    return InvalidRequest(message, [Violation("/program", message, code)])
