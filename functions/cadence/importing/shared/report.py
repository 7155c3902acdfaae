"""What a conversion could not carry over, and why a file could not be converted at all."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

_MOST_NOTES = 500


class SourceFormat(StrEnum):
    """What a file describes."""

    WFCOMMONS = "wfcommons"
    GITHUB = "github"
    GITLAB = "gitlab"


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """Something that is not in the document as it was in the source. `line` counts from 1; 0 is the file as a whole."""

    line: int
    what: str
    why: str
    todo: str


class ImportFailure(Exception):
    """The file cannot be converted. The message says why; `line` counts from 1, 0 if it is about the file as a whole."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


class Notes:
    """The report as it grows: each thing once, and never endless."""

    def __init__(self) -> None:
        self._found: dict[Note, None] = {}
        self._left_out = 0

    def add(self, line: int, what: str, why: str, todo: str) -> None:
        note = Note(line, _short(what), why, todo)
        if note in self._found:
            return
        if len(self._found) >= _MOST_NOTES:
            self._left_out += 1
            return
        self._found[note] = None

    def __iter__(self) -> Iterator[Note]:
        yield from sorted(self._found)
        if self._left_out:
            yield Note(
                0,
                f"{self._left_out:,} more entries",
                f"The report has at most {_MOST_NOTES}.",
                "Deal with those shown and import again, or split the file.",
            )


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= 120 else words[:119] + "…"
