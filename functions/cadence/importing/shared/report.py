"""The report of a conversion, and the error of a file that cannot be converted."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

_MOST_NOTES = 500


class SourceFormat(StrEnum):
    """The format of a file."""

    WFCOMMONS = "wfcommons"
    GITHUB = "github"
    GITLAB = "gitlab"
    BITBUCKET = "bitbucket"
    WOODPECKER = "woodpecker"


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """A part of the source that was not converted. `line` counts from 1; 0 is the whole file."""

    line: int
    what: str
    why: str
    todo: str


class ImportFailure(Exception):
    """The file cannot be converted. The message states why; `line` counts from 1, 0 is the whole file."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


class Notes:
    """Collects the notes of a report: each once, at most 500."""

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
