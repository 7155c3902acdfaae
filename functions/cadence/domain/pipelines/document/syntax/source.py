"""A document's text, read into plain data, and the place of each part of it in that text."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cadence.domain.pipelines.document.findings import Code, DocumentProblem, Path

MAX_BYTES = 5_000_000
MAX_NODES = 200_000
MAX_DEPTH = 64
MAX_CHARACTERS = 4 * MAX_BYTES
"""Of all keys and texts, with those that YAML aliases repeat."""

Position = tuple[int, int]
"""Line and column, both counted from 1."""


class UnreadableDocument(Exception):
    """The text is not a document at all. Carries the one problem that stopped the reading and where it is."""

    def __init__(self, code: Code, message: str, position: Position = (1, 1), hint: str | None = None) -> None:
        super().__init__(message)
        self.problem = Misreading(code=code, message=message, position=position, hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Misreading:
    """A problem of the text itself, known by its position; `path` is that of the container it is in."""

    code: Code
    message: str
    position: Position
    hint: str | None = None
    path: Path = ()


class EnoughMisreadings(Exception):
    """The text has more problems than anybody wants to be told, so that the rest of it is not read."""

    def __init__(self, misreadings: tuple[Misreading, ...]) -> None:
        super().__init__()
        self.misreadings = misreadings


@dataclass(slots=True)
class SourcePositions:
    """Where the members of each container stand; containers are told apart by identity, and `root` keeps them alive."""

    position_of: Callable[[Any], Position]
    root: Any = None
    members: dict[int, list[Any]] = field(default_factory=dict)
    """For each member in order the spot of its value, as the parser knows it; in mappings the spot of its key before."""
    indexes: dict[int, dict[Any, int]] = field(default_factory=dict)
    """Of the keys of mappings in which something was looked for."""

    def find(self, problem: DocumentProblem) -> Position:
        """The position of the part a problem is about, or of the nearest enclosing part that is in the text.

        A mapping or list is said to be where its key is, since that is where its author looks for it.
        """
        node, spot = self.root, None
        for index, part in enumerate(problem.path):
            spots = self.of(node, part)
            if spots is None:
                break
            node = node[part]
            at_value = index == len(problem.path) - 1 and not problem.at_key and not isinstance(node, dict | list)
            spot = spots[at_value]
        return (1, 1) if spot is None else self.position_of(spot)

    def of(self, container: Any, part: str | int) -> tuple[Any, Any] | None:
        """The spots of a member's key and its value; `None` if they are not known."""
        spots = self.members.get(id(container))
        if spots is None:
            return None
        if isinstance(container, dict):
            index = self._index(container).get(part)
            return None if index is None else (spots[2 * index], spots[2 * index + 1])
        if isinstance(part, int) and part < len(spots):
            return spots[part], spots[part]
        return None

    def _index(self, container: dict[Any, Any]) -> dict[Any, int]:
        known = self.indexes.get(id(container))
        if known is None:
            known = self.indexes[id(container)] = {name: index for index, name in enumerate(container)}
        return known


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """Plain data (dict with text keys, list, str, int, float, bool, None), and what was wrong with the text.

    `places` are there if the reader was asked to keep them.
    """

    data: Any
    misreadings: tuple[Misreading, ...] = ()
    places: SourcePositions | None = None


def decode(source: bytes | str) -> str:
    """The text of a document, of at most `MAX_BYTES` of UTF-8 without NUL."""
    if len(source) > MAX_BYTES:
        raise _too_large()
    try:
        encoded = source.encode() if isinstance(source, str) else source
        text = encoded.decode()
    except UnicodeError as error:
        raise _not_unicode(error) from None
    if len(encoded) > MAX_BYTES:
        raise _too_large()
    return text.removeprefix("\ufeff")


def _too_large() -> UnreadableDocument:
    return UnreadableDocument(
        Code.DOCUMENT_TOO_LARGE,
        f"The document is larger than {MAX_BYTES:,} bytes.",
        hint="Split the pipeline, or move long scripts into files of the repository.",
    )


def _not_unicode(error: UnicodeError) -> UnreadableDocument:
    position = (1, 1)
    if isinstance(error, UnicodeDecodeError):
        before = error.object[: error.start]
        position = before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1
    elif isinstance(error, UnicodeEncodeError):
        start = error.object[: error.start]
        position = start.count("\n") + 1, error.start - (start.rfind("\n") + 1) + 1
    return UnreadableDocument(
        Code.NOT_UNICODE, "The text is not valid UTF-8 here.", position, "Save the file as UTF-8."
    )
