"""Chooses the preview of a content by its type and by the content itself."""

import json
from dataclasses import dataclass, field
from typing import Any, Literal

from cadence.domain.values.previews.formats import Archive, ImageSize, archive, image, media_type
from cadence.domain.values.previews.tables import table_of_json, table_of_text

Kind = Literal["empty", "text", "json", "table", "image", "archive", "hex"]

_SHOWN_BYTES = 256
_PER_LINE = 16


@dataclass(frozen=True, kw_only=True)
class Preview:
    """The preview of a value.

    `text` is set for text and JSON (indented), `columns` and `rows` for tables, `lines` for bytes, `names` for
    archives. `width` and `height` are an image's in pixels. `cut`: the content continues beyond the preview.
    """

    kind: Kind
    media_type: str
    cut: bool = False
    text: str | None = None
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    width: int | None = None
    height: int | None = None
    names: tuple[str, ...] = ()
    lines: tuple[str, ...] = field(default=(), repr=False)


def preview(content: bytes, type: str, *, cut: bool, offset: int = 0) -> Preview:  # noqa: A002 - the value's type
    """Returns the preview of a piece of a value.

    `type` is the type of the port, of an element if it is a stream. `cut`: the value continues after `content`;
    `offset`: the number of bytes before it.
    """
    if not content:
        return Preview(kind="empty", media_type="application/x-empty", cut=cut)
    if type == "byte" and offset == 0:
        recognized = _of_format(content, cut)
        if recognized:
            return recognized
    text = _text(content, cut=cut, offset=offset)
    if text is None:
        return Preview(
            kind="hex",
            media_type=media_type(content) or "application/octet-stream",
            cut=cut,
            lines=_lines(content, offset),
        )
    return _of_text(text, type, cut=cut, offset=offset)


def _of_format(content: bytes, cut: bool) -> Preview | None:
    recognized: ImageSize | Archive | None = image(content) or archive(content)
    if isinstance(recognized, ImageSize):
        return Preview(
            kind="image",
            media_type=recognized.media_type,
            cut=cut,
            width=recognized.width,
            height=recognized.height,
            lines=_lines(content, 0),
        )
    if isinstance(recognized, Archive):
        return Preview(kind="archive", media_type=recognized.media_type, cut=cut, names=recognized.names)
    name = media_type(content)
    return Preview(kind="hex", media_type=name, cut=cut, lines=_lines(content, 0)) if name else None


def _of_text(text: str, type: str, *, cut: bool, offset: int) -> Preview:  # noqa: A002 - the value's type
    whole = _whole_lines(text) if cut else text
    if offset == 0:
        document = None if cut else _json(whole)
        values = [document] if document is not None else _json_lines(whole)
        json_table = table_of_json(values)
        if json_table:
            return Preview(
                kind="table", media_type="application/json", cut=cut, columns=json_table.columns, rows=json_table.rows
            )
        if document is not None and (type != "string" or isinstance(document, dict | list)):
            return Preview(
                kind="json",
                media_type="application/json",
                cut=cut,
                text=json.dumps(document, indent=2, ensure_ascii=False),
            )
        if values and type not in {"string", "byte"}:
            return Preview(kind="json", media_type="application/json", cut=cut, text=whole.rstrip("\n"))
        text_table = table_of_text(whole)
        if text_table:
            return Preview(
                kind="table",
                media_type=text_table.media_type,
                cut=cut,
                columns=text_table.columns,
                rows=text_table.rows,
            )
    return Preview(kind="text", media_type="text/plain", cut=cut, text=text)


def _text(content: bytes, *, cut: bool, offset: int) -> str | None:
    """Returns the content as text, None if it is not text. Characters cut at either end of the piece are left out."""
    if offset:
        content = content.lstrip(bytes(range(0x80, 0xC0)))
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        if not cut or error.end != len(content) or len(content) - error.start > 3:
            return None
        text = content[: error.start].decode()
    return None if any(character < " " and character not in "\t\n\r\f\x1b" for character in text) else text


def _whole_lines(text: str) -> str:
    lines, end, _ = text.rpartition("\n")
    return lines + end if end else text


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _json_lines(text: str) -> list[Any]:
    """Returns the values of lines that hold one JSON value each; an empty list if a line does not."""
    values = []
    for line in text.splitlines():
        if line.strip():
            values.append(_json(line))
            if values[-1] is None and line.strip() != "null":
                return []
    return values


def _lines(content: bytes, offset: int) -> tuple[str, ...]:
    """Returns lines in the format of `hexdump -C`: offset, bytes, characters."""
    lines = []
    for start in range(0, min(len(content), _SHOWN_BYTES), _PER_LINE):
        piece = content[start : start + _PER_LINE]
        halves = " ".join(f"{byte:02x}" for byte in piece[:8]), " ".join(f"{byte:02x}" for byte in piece[8:])
        shown = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in piece)
        lines.append(f"{offset + start:08x}  {halves[0]:<23}  {halves[1]:<23}  |{shown}|")
    return tuple(lines)
