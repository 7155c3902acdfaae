"""Checks that the command's output is of its declared type, before it is uploaded."""

from __future__ import annotations

import codecs
import io
import json
import os
import re

from ..assignments import value_types
from ..assignments.value_types import ValueType
from ..logs.masking import Masker
from ..shared.errors import TreatmentFailed
from .chunks import CHUNK_BYTES

#: Most bytes of a value of another type than ``byte`` or ``string``, since it is parsed as a whole.
LONGEST_VALUE = CHUNK_BYTES
SHOWN_CHARACTERS = 80
_MASKED_BYTES = 4096
_PIECE = 256 << 10

# Lines that are certainly valid, by type; every other line is parsed. Numbers with so few digits are within their
# range. The search in a longer list would take too much memory.
_MOST_ITEMS = 1_000
_FRACTION = rb"-?(?:0|[1-9][0-9]{0,%d})(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,%d})?"
_OBVIOUS = {
    "void": rb"(?:null)?",
    "string": rb'"[^"\\\x00-\x1f\x80-\xff]*"',
    "bool": rb"(?:true|false)",
    "char": rb'"[^"\\\x00-\x1f\x80-\xff]"',
    "f32": _FRACTION % (19, 1),
    "f64": _FRACTION % (99, 2),
}


def checker(port: str, type_: str, masker: Masker) -> Checker | None:
    """Returns a checker of an output's values, or None for bytes, which are always valid.

    Raises ValueError for an unknown type.
    """
    expected = value_types.parse(type_)
    if expected.name == "byte":
        return None
    return TextChecker(port, expected, masker) if expected.name == "string" else JsonChecker(port, expected, masker)


class Checker:
    """Checks one output from its start to its end. TreatmentFailed names the port, the line and its content."""

    def __init__(self, port: str, expected: ValueType, masker: Masker) -> None:
        self._port, self._expected, self._masker = port, expected, masker
        self._lines = 0

    def check(self, content: bytearray, size: int, last: bool) -> int:
        """Returns how much of the first ``size`` bytes may be sent: the complete lines, or everything if ``last``.

        Raises TreatmentFailed for the first line that is not of the type.
        """
        end = size if last else content.rfind(b"\n", 0, size) + 1
        if not end and size == CHUNK_BYTES:
            return self._check_start(content)
        self._check_lines(content, end)
        self._lines += content.count(b"\n", 0, end)
        return end

    def check_lines(self, file: io.FileIO) -> None:
        """Checks the rest of a file that holds a stream's values. Raises TreatmentFailed."""
        content, remaining = bytearray(CHUNK_BYTES), 0
        while True:
            count = file.readinto(memoryview(content)[remaining:]) or 0
            sent = self.check(content, remaining + count, last=not count)
            if not count:
                return
            remaining = remaining + count - sent
            content[:remaining] = content[sent : sent + remaining]

    def check_block(self, file: io.FileIO) -> None:
        """Checks the rest of a file that holds a block's value. Raises TreatmentFailed."""
        raise NotImplementedError

    def _check_lines(self, content: bytearray, end: int) -> None:
        raise NotImplementedError

    def _check_start(self, content: bytearray) -> int:
        """Checks the start of a line that is longer than a chunk; returns how many bytes may be sent."""
        raise NotImplementedError

    def _wrong(self, content: bytes | bytearray, at: int, end: int, why: str) -> TreatmentFailed:
        """Returns the error for the line that contains position ``at``; ``end`` is the end of the content."""
        start = content.rfind(b"\n", 0, at) + 1
        line = self._lines + content.count(b"\n", 0, start) + 1
        stop = content.find(b"\n", at, end)
        shown = self.shown(bytes(content[start : end if stop < 0 else stop]))
        return TreatmentFailed(f"output {self._port}, line {line}: {shown} {why}")

    def shown(self, line: bytes) -> str:
        """Returns a line as messages quote it: masked, shortened, on one line."""
        most = _MASKED_BYTES + 4 * self._masker.reach
        text = self._masker.mask(line[:most].decode("utf-8", "backslashreplace"))
        if len(text) > SHOWN_CHARACTERS:
            text = text[:SHOWN_CHARACTERS] + "…"
        return json.dumps(text, ensure_ascii=False)


class TextChecker(Checker):
    """Lines of UTF-8. A block of text may have any number of them."""

    def check_block(self, file: io.FileIO) -> None:
        self.check_lines(file)

    def _check_lines(self, content: bytearray, end: int) -> None:
        self._check(content, end, final=True)

    def _check_start(self, content: bytearray) -> int:
        return self._check(content, len(content), final=False)

    def _check(self, content: bytearray, end: int, final: bool) -> int:
        """Returns how many bytes are complete characters."""
        at = 0
        with memoryview(content) as view:
            while at < end:
                stop = min(end, at + _PIECE)
                try:
                    count = codecs.utf_8_decode(view[at:stop], "strict", final and stop == end)[1]
                except UnicodeDecodeError as error:
                    raise self._wrong(content, at + error.start, end, "is not UTF-8 text") from None
                if not count:
                    break
                at += count
        return at


class JsonChecker(Checker):
    """One JSON value per line, and one value in all in a block."""

    def __init__(self, port: str, expected: ValueType, masker: Masker) -> None:
        super().__init__(port, expected, masker)
        obvious = _obvious(expected)
        # The pattern begins with a line's end, so that the search goes from one line to the next.
        self._doubtful = re.compile(rb"\n(?!" + obvious + rb"\n)") if obvious else None
        simple = expected.range or expected.name in ("bool", "f32", "f64")
        self._why = f"is not {'an' if expected.name[0] in 'ifO' else 'a'} {expected}" + (
            "" if simple else ", written as JSON"
        )

    def check_block(self, file: io.FileIO) -> None:
        size = os.fstat(file.fileno()).st_size
        if size > LONGEST_VALUE:
            raise TreatmentFailed(f"output {self._port} has {size} bytes: {self._too_long}")
        content = file.readall()
        if not content.strip():
            if self._expected.name == "void":
                return
            raise TreatmentFailed(f"output {self._port} is empty, where one {self._expected} is wanted")
        try:
            value = value_types.from_json(content)
        except json.JSONDecodeError as error:
            at = len(error.doc[: error.pos].encode())
            if error.msg == "Extra data" and "\n" in error.doc[: error.pos].lstrip():
                why = f"is a second value: a Block<{self._expected}> is exactly one"
                raise self._wrong(content, at, len(content), why) from None
            raise self._wrong(content, min(at, len(content) - 1), len(content), self._why) from None
        except ValueError:
            raise self._wrong(content, 0, len(content), self._why) from None
        if not value_types.fits(value, self._expected):
            raise self._wrong(content, len(content) - len(content.lstrip()), len(content), self._why)

    def _check_lines(self, content: bytearray, end: int) -> None:
        at = 0
        while at < end:
            at = self._check_line(content, at, end)
            if self._doubtful:
                doubtful = self._doubtful.search(content, at - 1, end)
                # No pattern matches behind the end of the last line.
                at = doubtful.end() if doubtful else end

    def _check_line(self, content: bytearray, at: int, end: int) -> int:
        """Checks one line; returns where the next one begins."""
        stop = content.find(b"\n", at, end)
        stop = end if stop < 0 else stop
        line = bytes(content[at:stop])
        if not self._is_right(line):
            raise self._wrong(content, at, end, self._why)
        return min(end, stop + 1)

    def _is_right(self, line: bytes) -> bool:
        if self._expected.name == "void" and not line.strip():
            return True
        try:
            return value_types.fits(value_types.from_json(line), self._expected)
        except ValueError:
            return False

    def _check_start(self, content: bytearray) -> int:
        shown = self.shown(bytes(content[:_MASKED_BYTES]))
        raise TreatmentFailed(f"output {self._port}, line {self._lines + 1}: {shown} is too long: {self._too_long}")

    @property
    def _too_long(self) -> str:
        return f"a {self._expected} may take {LONGEST_VALUE >> 20} MiB"


def _obvious(expected: ValueType) -> bytes | None:
    """Returns a pattern of certain values of the type, as programs usually write them."""
    span = expected.range
    if span:
        sign = b"-?" if span[0] else b""
        return sign + rb"(?:0|[1-9][0-9]{0,%d})" % (len(str(span[1])) - 2)
    if expected.item is None:
        return _OBVIOUS.get(expected.name)
    item = _obvious(expected.item)
    if item is None or expected.name == "Map":
        return None
    if expected.name == "Option":
        return rb"(?:null|" + item + rb")"
    return rb"\[(?:" + item + rb"(?:, ?" + item + rb"){0,%d})?\]" % _MOST_ITEMS
