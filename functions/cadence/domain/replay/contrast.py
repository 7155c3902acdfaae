"""Compares two contents of one type: whether they differ, and where first."""

import json
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import zip_longest
from typing import IO, Any, cast

from cadence.domain.replay.pieces import PIECE, ContentReader, evenly, lines, peeked

MOST_PAIRS = 20
LONGEST_READ = 4_096
_SHOWN_BEFORE, _SHOWN_AFTER = 40, 80
_SHOWN_BYTES = 16
_SNIFFED = 4_096


class Form(StrEnum):
    """The form in which a content is read."""

    BYTES = "bytes"
    LINES = "lines"
    JSON = "json"  # one value a line
    ARCHIVE = "archive"  # tar


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A difference: `offset` in bytes from the start (of the archive's `member`, if there is one).

    `line` and `column` count from 1 in text, `pointer` leads into the line's JSON value (RFC 6901). `then` and `now`
    show both sides there.
    """

    offset: int
    then: str
    now: str
    line: int | None = None
    column: int | None = None
    pointer: str | None = None
    member: str | None = None

    def words(self) -> str:
        """Returns where it is, as a sentence names it."""
        parts = [f"member {self.member}"] if self.member else []
        if self.line is not None:
            parts.append(f"line {self.line}, column {self.column}")
        if self.pointer:
            parts.append(f"at {self.pointer}")
        if self.line is None:
            parts.append(f"byte {self.offset}")
        return ", ".join(parts)


@dataclass(frozen=True)
class Contrast:
    """The result of a comparison. `first` is None for equal contents.

    `same_values`: only the notation differs. `pairs` are the beginnings of the first lines that differ, as text;
    `reordered`: both have the same lines in another order.
    """

    first: Difference | None = None
    same_values: bool = False
    pairs: tuple[tuple[str, str], ...] = ()
    reordered: bool = False


EQUAL = Contrast()


def form_of(kind: str, path: str | None) -> Form:
    """Returns the form of an output of this type that is captured from `path`."""
    if path is not None and (path.endswith("/") or any(sign in path for sign in "*?[")):
        return Form.ARCHIVE
    if kind == "byte":
        return Form.BYTES
    return Form.LINES if kind in ("string", "char") else Form.JSON


def contrast(form: Form, then: Iterable[bytes], now: Iterable[bytes]) -> Contrast:
    """Compares two contents, reading each once, in step and with little in memory."""
    if form is Form.ARCHIVE:
        return _archives(then, now)
    if form is Form.BYTES:
        head_then, then = peeked(then, _SNIFFED)
        head_now, now = peeked(now, _SNIFFED)
        if not (_is_text(head_then) and _is_text(head_now)):
            return _bytes(then, now)
    return _lines(then, now, values=form is Form.JSON)


def _lines(then: Iterable[bytes], now: Iterable[bytes], *, values: bool) -> Contrast:
    first: Difference | None = None
    notation: Difference | None = None
    pairs: list[tuple[str, str]] = []
    same_lines = 0
    offset = 0
    for number, (old, new) in enumerate(zip_longest(lines(then), lines(now)), 1):
        if old != new:
            same_lines += hash(old) - hash(new)
            place = _in_line(old, new, offset, number)
            if values:
                unequal = _in_values(old, new)
                if unequal is None:
                    notation = notation or place
                    offset += len(old or b"")
                    continue
                pointer, was, became = unequal
                place = replace(place, pointer=pointer, then=_shown(was), now=_shown(became)) if pointer else place
            first = first or place
            if len(pairs) < MOST_PAIRS:
                pairs.append((_text(old)[:LONGEST_READ], _text(new)[:LONGEST_READ]))
        offset += len(old or b"")
    if first is None:
        return Contrast(notation, same_values=True) if notation else EQUAL
    return Contrast(first, pairs=tuple(pairs), reordered=same_lines == 0 and len(pairs) > 1)


def _in_line(old: bytes | None, new: bytes | None, offset: int, number: int) -> Difference:
    if old is None or new is None:
        return Difference(offset=offset, then=_end(old), now=_end(new), line=number, column=1)
    at = _common(old, new)
    # Counted in characters; the last common one may be cut.
    column = len(old[:at].decode("utf-8", "ignore"))
    return Difference(
        offset=offset + at,
        then=_around(_text(old), column),
        now=_around(_text(new), column),
        line=number,
        column=column + 1,
    )


def _in_values(old: bytes | None, new: bytes | None) -> tuple[str, Any, Any] | None:
    """Returns where two lines differ as values; None if they do not.

    The pointer is empty if they differ as a whole, or if one is no JSON value.
    """
    if old is None or new is None:
        return "", None, None
    try:
        return first_unequal(json.loads(old), json.loads(new))
    except (ValueError, RecursionError):
        return "", None, None


def first_unequal(old: Any, new: Any, at: str = "") -> tuple[str, Any, Any] | None:
    """Returns the pointer to the first difference between two JSON values, and both values there; None if equal.

    Members are compared in the order of their names.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys()):
            here = f"{at}/{name.replace('~', '~0').replace('/', '~1')}"
            if name not in old or name not in new:
                return here, old.get(name, _MISSING), new.get(name, _MISSING)
            unequal = first_unequal(old[name], new[name], here)
            if unequal:
                return unequal
        return None
    if isinstance(old, list) and isinstance(new, list):
        for number, (left, right) in enumerate(zip_longest(old, new, fillvalue=_MISSING)):
            unequal = first_unequal(left, right, f"{at}/{number}")
            if unequal:
                return unequal
        return None
    return None if old == new and isinstance(old, bool) == isinstance(new, bool) else (at, old, new)


class _Missing:
    def __repr__(self) -> str:
        return "(nothing)"


_MISSING = _Missing()


def _bytes(then: Iterable[bytes], now: Iterable[bytes]) -> Contrast:
    offset = 0
    for old, new in zip_longest(evenly(then), evenly(now), fillvalue=b""):
        if old != new:
            at = _common(old, new)
            return Contrast(Difference(offset=offset + at, then=_hex(old[at:]), now=_hex(new[at:])))
        offset += len(old)
    return EQUAL


def _archives(then: Iterable[bytes], now: Iterable[bytes]) -> Contrast:
    try:
        with _opened(then) as olds, _opened(now) as news:
            for old, new in zip_longest(olds, news):
                difference = _members(olds, old, news, new)
                if difference.first:
                    return difference
    except tarfile.TarError as error:
        return Contrast(Difference(offset=0, then=f"no archive: {error}", now=f"no archive: {error}"))
    return EQUAL


def _opened(content: Iterable[bytes]) -> tarfile.TarFile:
    return tarfile.open(fileobj=cast(IO[bytes], ContentReader(content)), mode="r|")


def _members(
    olds: tarfile.TarFile, old: tarfile.TarInfo | None, news: tarfile.TarFile, new: tarfile.TarInfo | None
) -> Contrast:
    if old is None or new is None or old.name != new.name:
        named = min(member.name for member in (old, new) if member)
        return Contrast(
            Difference(
                offset=0, then=old.name if old else "(nothing)", now=new.name if new else "(nothing)", member=named
            )
        )
    if kind_of_member(old) != kind_of_member(new):
        return Contrast(Difference(offset=0, then=kind_of_member(old), now=kind_of_member(new), member=old.name))
    difference = contrast(Form.BYTES, member_content(olds, old), member_content(news, new))
    return replace(difference, first=replace(difference.first, member=old.name)) if difference.first else EQUAL


def kind_of_member(member: tarfile.TarInfo) -> str:
    """Returns in words what a member of an archive is besides its content."""
    kind = "file"
    if member.isdir():
        kind = "directory"
    elif member.issym() or member.islnk():
        kind = f"link to {member.linkname}"
    elif member.issparse():
        kind = f"sparse file of {member.size} bytes"
    return f"{kind}, mode {member.mode:04o}"


def member_content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[bytes]:
    """Returns the content of a file; nothing of others, nor of a sparse file, whose holes may be of any size."""
    file = archive.extractfile(member) if member.isfile() and not member.issparse() else None
    while file and (piece := file.read(PIECE)):
        yield piece


def _common(old: bytes, new: bytes) -> int:
    """Returns how many bytes both begin with."""
    low, high = 0, min(len(old), len(new))
    while low < high:
        middle = (low + high + 1) // 2
        if old[low:middle] == new[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _is_text(head: bytes) -> bool:
    if b"\0" in head:
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 3 and len(head) == _SNIFFED  # a character that the cut went through
    return True


def _text(line: bytes | None) -> str:
    return (line or b"").decode("utf-8", "replace").rstrip("\n")


def _around(text: str, column: int) -> str:
    start = max(0, column - _SHOWN_BEFORE)
    end = column + _SHOWN_AFTER
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"


def _end(line: bytes | None) -> str:
    return "(the end)" if line is None else _around(_text(line), 0)


def _hex(content: bytes) -> str:
    return content[:_SHOWN_BYTES].hex(" ") or "(the end)"


def _shown(value: Any) -> str:
    return _around(repr(value) if value is _MISSING else json.dumps(value, ensure_ascii=False), 0)
