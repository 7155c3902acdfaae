"""The result of reading a document's text: plain data, and the position of each part in the text."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cadence.domain.pipelines.document.findings import Code, DocumentProblem, Path

MAX_BYTES = 5_000_000
MAX_NODES = 200_000
MAX_DEPTH = 64
MAX_CHARACTERS = 4 * MAX_BYTES
"""Characters of all keys and texts, including those that YAML aliases repeat."""

Position = tuple[int, int]
"""Line and column, both counted from 1."""


class UnreadableDocument(Exception):
    """Signals that a text is not a document at all.

    `problem` is the one that stopped the reading, with its position.
    """

    def __init__(self, code: Code, message: str, position: Position = (1, 1), hint: str | None = None) -> None:
        super().__init__(message)
        self.problem = Misreading(code=code, message=message, position=position, hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Misreading:
    """A problem of the text itself, with its position; `path` is that of the surrounding container."""

    code: Code
    message: str
    position: Position
    hint: str | None = None
    path: Path = ()


class EnoughMisreadings(Exception):
    """Signals that the text has too many problems to show more of them, so that the rest of it is not read."""

    def __init__(self, misreadings: tuple[Misreading, ...]) -> None:
        super().__init__()
        self.misreadings = misreadings


@dataclass(slots=True)
class SourcePositions:
    """The positions of the members of each container. Containers are identified by `id`; `root` keeps them alive."""

    position_of: Callable[[Any], Position]
    root: Any = None
    members: dict[int, list[Any]] = field(default_factory=dict)
    """For each member in order the parser's spot of its value; in mappings preceded by the spot of its key."""
    indexes: dict[int, dict[Any, int]] = field(default_factory=dict)
    """The indexes of the keys of those mappings in which a member was looked up."""

    def find(self, problem: DocumentProblem) -> Position:
        """Returns the position of the part of a problem, or of the nearest enclosing part that is in the text.

        The position of a mapping or list is that of its key, where its author looks for it.
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
        """Returns the spots of a member's key and its value; `None` if they are not known."""
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
    """Plain data (dict with text keys, list, str, int, float, bool, None), and the problems of the text.

    `places` are set if the reader was to keep them.
    """

    data: Any
    misreadings: tuple[Misreading, ...] = ()
    places: SourcePositions | None = None


def decode(source: bytes | str) -> str:
    """Returns the text of a document.

    Raises UnreadableDocument for more than `MAX_BYTES`, or bytes that are not UTF-8.
    """
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
