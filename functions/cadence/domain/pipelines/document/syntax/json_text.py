"""Reads JSON documents (RFC 8259) with the position of every part."""

import re
from bisect import bisect_right
from json import JSONDecodeError, JSONDecoder

from cadence.domain.pipelines.document.building import Builder
from cadence.domain.pipelines.document.findings import Code
from cadence.domain.pipelines.document.syntax.numbers import FLOAT, INTEGER, number
from cadence.domain.pipelines.document.syntax.source import ParsedDocument, Position, UnreadableDocument
from cadence.domain.shared.display import shown

_TOKEN = re.compile(
    rf"""[ \t\r\n]*(?:(?P<punctuation>[\[\]{{}}:,])|(?P<quote>")|(?P<word>true|false|null)"""
    rf"""|(?P<number>{FLOAT})|(?P<not_finite>-?Infinity|NaN)|(?P<end>\Z)|(?P<other>.))""",
    re.DOTALL,
)
_STRINGS = JSONDecoder()
_INTEGER = re.compile(INTEGER)
_WORDS = {"true": True, "false": False, "null": None}


def read_json(text: str, *, keep_places: bool = False) -> ParsedDocument:
    """Reads one JSON document. Raises UnreadableDocument if it has no usable data."""
    return _JsonReader(text, keep_places=keep_places).read()


class _JsonReader:
    """Reads the text in one pass. `expected` names in words what may come next, for syntax errors."""

    def __init__(self, text: str, *, keep_places: bool) -> None:
        self._text = text
        self._builder = Builder(self._position, keep_places=keep_places)
        self._line_starts = [0] + [match.end() for match in re.finditer("\n", text)]
        self._closers: list[str] = []

    def read(self) -> ParsedDocument:
        """Reads the whole text. Raises UnreadableDocument for a syntax error."""
        expected = "a value"
        offset = 0
        while True:
            match = _TOKEN.match(self._text, offset)
            assert match is not None  # the pattern ends in "any character" and "end of text"
            kind = match.lastgroup or ""
            symbol, offset = match[kind], match.end()
            spot = match.start(kind)
            if kind == "end":
                if expected != "the end":
                    raise self._unexpected("The text ends", expected, spot)
                break
            if symbol == "," and expected.startswith("a comma"):
                expected = "a key" if self._closers[-1] == "}" else "a value"
            elif kind == "punctuation":
                expected = self._punctuation(symbol, expected, spot)
            elif kind == "quote" and expected.startswith("a key"):
                key, offset = self._string(offset)
                self._builder.key(key, spot)
                expected = "a colon"
            elif expected.startswith("a value"):
                offset = self._scalar(kind, symbol, offset, spot)
                expected = self._after_value()
            else:
                raise self._unexpected(f"{shown(symbol)} stands", expected, spot)
        return self._builder.finish()

    def _punctuation(self, symbol: str, expected: str, spot: int) -> str:
        if symbol in "[{" and expected.startswith("a value"):
            self._builder.start({} if symbol == "{" else [], spot)
            self._closers.append("}" if symbol == "{" else "]")
            return "a key or }" if symbol == "{" else "a value or ]"
        if symbol == ":" and expected == "a colon":
            return "a value"
        if symbol in "]}" and expected.endswith(f" or {symbol}"):
            self._builder.end()
            self._closers.pop()
            return self._after_value()
        raise self._unexpected(f"{shown(symbol)} stands", expected, spot)

    def _scalar(self, kind: str, symbol: str, offset: int, spot: int) -> int:
        """Adds a scalar to the builder and returns the offset after it."""
        if kind == "quote":
            text, offset = self._string(offset)
            self._builder.value(text, spot)
        elif kind == "word":
            self._builder.value(_WORDS[symbol], spot)
        elif kind in ("number", "not_finite"):
            value = None if kind == "not_finite" else number(symbol, whole=_INTEGER.fullmatch(symbol) is not None)
            if value is None:
                self._builder.problem(Code.BAD_NUMBER, f"No number type can hold {shown(symbol)}.", spot)
            self._builder.value(value or 0, spot)
        else:
            raise self._unexpected(f"{shown(symbol)} stands", "a value", spot)
        return offset

    def _string(self, offset: int) -> tuple[str, int]:
        """Returns the string whose opening quote ends at `offset`, and the offset after it."""
        try:
            text, end = _STRINGS.raw_decode(self._text, offset - 1)
        except JSONDecodeError as error:
            raise UnreadableDocument(
                Code.SYNTAX, f"This is not JSON: {error.msg}.", self._position(error.pos)
            ) from None
        return self._builder.usable(text, offset - 1), end

    def _after_value(self) -> str:
        return f"a comma or {self._closers[-1]}" if self._closers else "the end"

    def _unexpected(self, found: str, expected: str, spot: int) -> UnreadableDocument:
        message = f"This is not JSON: {found} where {expected} is expected."
        return UnreadableDocument(Code.SYNTAX, message, self._position(spot))

    def _position(self, offset: int) -> Position:
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1
