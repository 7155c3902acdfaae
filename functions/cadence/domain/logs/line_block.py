"""Lines as agents send them: spans of lines that were read together, and the texts of all, compressed as one."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cadence.domain.shared.errors import InvalidRequest, Violation

MOST_LINES = 20_000
MOST_BYTES = 768 << 10
LONGEST_TEXT = 65_536  # characters


@dataclass(frozen=True, kw_only=True)
class LineSpan:
    """Lines with one time, stream, level and step. Several are joined by newlines; a single one may hold some."""

    lines: int
    size: int  # bytes of UTF-8
    time: str  # RFC 3339, UTC, milliseconds
    stream: str
    level: str
    continued: bool = False
    step: int | None = None


@dataclass(frozen=True)
class LineBlock:
    """The lines from number `first` on; `packed` is what zlib makes of the spans' texts, one after the other."""

    first: int
    spans: Sequence[LineSpan]
    packed: bytes

    @property
    def last(self) -> int:
        """The number of the last line."""
        return self.first + sum(span.lines for span in self.spans) - 1

    def texts(self) -> Sequence[Sequence[str]]:
        """Returns the lines of each span. Raises InvalidRequest unless the texts are what the spans say."""
        content = self._content()
        texts: list[Sequence[str]] = []
        start = 0
        for index, span in enumerate(self.spans):
            try:
                text = content[start : start + span.size].decode()
            except UnicodeDecodeError:
                raise _invalid(index, "is not text in UTF-8") from None
            start += span.size
            lines = text.split("\n") if span.lines > 1 else [text]
            if len(lines) != span.lines:
                raise _invalid(index, f"has {len(lines)} lines, not {span.lines}")
            if span.size > LONGEST_TEXT and max(map(len, lines)) > LONGEST_TEXT:
                raise _invalid(index, f"has a line of more than {LONGEST_TEXT} characters")
            texts.append(lines)
        return texts

    def check(self) -> None:
        """Raises InvalidRequest if this is no block that the log can take."""
        lines = sum(span.lines for span in self.spans)
        if lines > MOST_LINES:
            raise _invalid(None, f"has {lines} lines; a request may have {MOST_LINES}")
        for index, span in enumerate(self.spans):
            if not is_time(span.time):
                raise InvalidRequest(
                    "Lines must have valid times.",
                    [Violation(f"/block/spans/{index}/time", f"{span.time} is not a time of the calendar")],
                )
        self.texts()

    def _content(self) -> bytes:
        size = sum(span.size for span in self.spans)
        if size > MOST_BYTES:
            raise _invalid(None, f"has {size} bytes; a request may have {MOST_BYTES}")
        unpacking = zlib.decompressobj()
        try:
            # One more than there may be, which shows whether there is more.
            content = unpacking.decompress(self.packed, size + 1)
        except zlib.error:
            raise _invalid(None, "is not compressed by zlib") from None
        if len(content) != size or not unpacking.eof or unpacking.unused_data:
            raise _invalid(None, f"does not have the {size} bytes of its spans")
        return content


def is_time(text: str) -> bool:
    """Returns whether a text is a time of the calendar."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _invalid(span: int | None, problem: str) -> InvalidRequest:
    pointer = "/block/text" if span is None else f"/block/spans/{span}"
    return InvalidRequest("The block holds no lines of a log.", [Violation(pointer, problem)])
