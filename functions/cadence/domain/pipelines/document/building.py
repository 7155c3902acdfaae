"""Builds plain data from the parts of a text, in the parser's order; shared by YAML and JSON."""

import re
from collections.abc import Callable
from typing import Any

from cadence.domain.pipelines.document.findings import MAX_FINDINGS, Code, Path
from cadence.domain.pipelines.document.syntax.source import (
    MAX_CHARACTERS,
    MAX_DEPTH,
    MAX_NODES,
    EnoughMisreadings,
    Misreading,
    ParsedDocument,
    Position,
    SourcePositions,
    UnreadableDocument,
)
from cadence.domain.shared.display import shown

_UNUSABLE = re.compile("[\0\ud800-\udfff]")
"""Characters that escapes can produce, but that no environment, file name or UTF-8 text can hold."""


class Builder:
    """Receives scalars, containers and their ends in order.

    It does not recurse, so that no text can exhaust the stack. `spot` is the parser's own form of a place;
    `position_of` converts it into a position when one is needed. Places are kept only on request, so that a valid
    document, the usual case, does not pay for them.
    """

    def __init__(self, position_of: Callable[[Any], Position], *, keep_places: bool = False) -> None:
        self.expects_key = False
        self._root: Any = None
        self._misreadings: list[Misreading] = []
        self._position_of = position_of
        self._places = SourcePositions(position_of) if keep_places else None
        self._enclosing: list[tuple[Any, str | int]] = []
        self._container: Any = None
        self._spots: list[Any] = []
        self._key = ""
        self._key_spot: Any = None
        self._remaining = MAX_NODES

    def key(self, name: str, spot: Any) -> None:
        """Sets the name of the next member of the open mapping."""
        self._key, self._key_spot = name, spot
        self.expects_key = False
        if name in self._container:
            message = f"The key {shown(name)} appears twice in the same mapping."
            self.problem(Code.DUPLICATE_KEY, message, spot, "Keep one of them.")

    def value(self, value: Any, spot: Any) -> None:
        """Adds a scalar, or an earlier container again."""
        self._remaining -= 1
        if self._remaining < 0:
            raise too_complex((1, 1))
        container = self._container
        if type(container) is dict:
            if self._places is not None and self._key not in container:
                self._spots.append(self._key_spot)
                self._spots.append(spot)
            container[self._key] = value
            self.expects_key = True
        elif container is not None:
            if self._places is not None:
                self._spots.append(spot)
            container.append(value)
        else:
            self._root = value

    def start(self, container: dict[str, Any] | list[Any], spot: Any) -> None:
        """Opens a mapping or a list."""
        if len(self._enclosing) >= MAX_DEPTH:
            raise too_complex(self._position_of(spot))
        self._enclosing.append((self._container, self._member()))
        self.value(container, spot)
        self._container = container
        self.expects_key = type(container) is dict
        if self._places is not None:
            self._spots = self._places.members[id(container)] = []

    def end(self, _: Any = None) -> None:
        """Closes the mapping or list opened last. The parser's event for the end is not needed."""
        self._container, _ = self._enclosing.pop()
        if self._places is not None and self._container is not None:
            self._spots = self._places.members[id(self._container)]
        self.expects_key = type(self._container) is dict

    def usable(self, text: str, spot: Any) -> str:
        """Returns the text without unusable characters; adds a problem if it has any."""
        if _UNUSABLE.search(text) is None:
            return text
        self.problem(Code.BAD_CHARACTER, "This text holds a NUL character or half of a surrogate pair.", spot)
        return _UNUSABLE.sub("", text)

    def problem(self, code: Code, message: str, spot: Any, hint: str | None = None) -> None:
        """Adds a problem at a place. Raises EnoughMisreadings if there are more than `MAX_FINDINGS`."""
        path: Path = tuple(member for _, member in self._enclosing[1:])
        if self._container is not None:
            path = (*path, self._member())
        self._misreadings.append(
            Misreading(code=code, message=message, position=self._position_of(spot), hint=hint, path=path)
        )
        if len(self._misreadings) > MAX_FINDINGS:
            raise EnoughMisreadings(tuple(self._misreadings))

    def finish(self) -> ParsedDocument:
        """Returns the whole document. Raises UnreadableDocument if it is empty."""
        if self._root is None:
            raise UnreadableDocument(Code.EMPTY_DOCUMENT, "There is nothing in this document.")
        if self._places is not None:
            self._places.root = self._root
        return ParsedDocument(self._root, tuple(self._misreadings), self._places)

    def _member(self) -> str | int:
        return len(self._container) if type(self._container) is list else self._key


def too_complex(position: Position) -> UnreadableDocument:
    """Returns the error for a document with too many parts, levels or characters."""
    return UnreadableDocument(
        Code.TOO_COMPLEX,
        f"The document has more than {MAX_NODES:,} parts, is nested deeper than {MAX_DEPTH} levels, "
        f"or repeats more than {MAX_CHARACTERS:,} characters.",
        position,
        "Split the pipeline; repeat less through YAML aliases.",
    )
