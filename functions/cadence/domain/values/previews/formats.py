"""Recognizes formats by their first bytes."""

import struct
from dataclasses import dataclass

_MAGIC = (
    (b"\x1f\x8b", "application/gzip"),
    (b"PK\x03\x04", "application/zip"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\x00", "application/x-xz"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"%PDF-", "application/pdf"),
    (b"\x7fELF", "application/x-executable"),
    (b"\x00asm", "application/wasm"),
    (b"\xca\xfe\xba\xbe", "application/java-vm"),
    (b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (b"PAR1", "application/vnd.apache.parquet"),
    (b"ARROW1", "application/vnd.apache.arrow.file"),
    (b"OggS", "audio/ogg"),
)
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_TAR_BLOCK = 512
# Markers of a JPEG's frame header; the others between 0xC0 and 0xCF have other meanings.
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True)
class ImageSize:
    """An image's media type and its size in pixels; None where the beginning does not contain the size."""

    media_type: str
    width: int | None
    height: int | None


@dataclass(frozen=True)
class Archive:
    """An archive's media type and the names of its first members."""

    media_type: str
    names: tuple[str, ...]


def media_type(content: bytes) -> str | None:
    """Returns the media type of content that begins with the signature of a known format."""
    return next((name for magic, name in _MAGIC if content.startswith(magic)), None)


def image(content: bytes) -> ImageSize | None:
    """Returns the type and size of a PNG, GIF, JPEG or WebP image; None for other content."""
    if content.startswith(_PNG):
        return ImageSize("image/png", *_numbers(">II", content, 16))
    if content[:6] in {b"GIF87a", b"GIF89a"}:
        return ImageSize("image/gif", *_numbers("<HH", content, 6))
    if content.startswith(_JPEG):
        return ImageSize("image/jpeg", *_jpeg_size(content))
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return ImageSize("image/webp", *_webp_size(content))
    return None


def archive(content: bytes) -> Archive | None:
    """Returns the first members of a tar archive, the format of ports with directories; None for other content."""
    if content[257:262] != b"ustar":
        return None
    names, offset = [], 0
    while len(header := content[offset : offset + _TAR_BLOCK]) == _TAR_BLOCK and header[257:262] == b"ustar":
        size = _tar_number(header[124:136])
        if size is None:
            break
        if header[156:157] not in {b"x", b"g", b"L", b"K"}:  # those describe the member that follows
            prefix = _tar_text(header[345:500])
            name = _tar_text(header[:100])
            names.append(f"{prefix}/{name}" if prefix else name)
        offset += _TAR_BLOCK + -(-size // _TAR_BLOCK) * _TAR_BLOCK
    return Archive("application/x-tar", tuple(names))


def _numbers(layout: str, content: bytes, offset: int) -> tuple[int | None, int | None]:
    size = struct.calcsize(layout)
    if len(content) < offset + size:
        return None, None
    width, height = struct.unpack_from(layout, content, offset)
    return width, height


def _jpeg_size(content: bytes) -> tuple[int | None, int | None]:
    offset = 2
    while offset + 9 <= len(content) and content[offset] == 0xFF:
        if content[offset + 1] in _JPEG_FRAMES:
            height, width = _numbers(">HH", content, offset + 5)
            return width, height
        offset += 2 + int.from_bytes(content[offset + 2 : offset + 4], "big")
    return None, None


def _webp_size(content: bytes) -> tuple[int | None, int | None]:
    kind = content[12:16]
    if kind == b"VP8X" and len(content) >= 30:
        return 1 + int.from_bytes(content[24:27], "little"), 1 + int.from_bytes(content[27:30], "little")
    if kind == b"VP8L" and len(content) >= 25:
        bits = int.from_bytes(content[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and len(content) >= 30:
        width, height = struct.unpack_from("<HH", content, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None, None


def _tar_number(text: bytes) -> int | None:
    try:
        return int(text.strip(b" \0") or b"0", 8)
    except ValueError:
        return None


def _tar_text(text: bytes) -> str:
    return text.split(b"\0", 1)[0].decode("utf-8", "replace")
