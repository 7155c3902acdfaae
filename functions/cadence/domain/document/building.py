"""Builds plain data from a text's parts as a parser meets them; shared by YAML and JSON."""

import re
from typing import Any

from cadence.domain.document.findings import Code
from cadence.domain.document.source import MAX_DEPTH, MAX_NODES, Misreading, Places, Position, Unreadable
from cadence.domain.document.wording import shown

_NO_KEY: Any = object()
_UNUSABLE = re.compile("[\0\ud800-\udfff]")
"""Escapes can spell these, but no environment, file name or UTF-8 text can hold them."""


class Builder:
    """Receives scalars, containers and their ends in order; holds the data in `root`.

    Recursion-free, so that no text can exhaust the stack. Places are kept only when asked for: a valid document,
    the usual case, does not pay for them.
    """

    def __init__(self, places: Places | None = None) -> None:
        self.root: Any = None
        self.misreadings: list[Misreading] = []
        self._places = places
        self._open: list[tuple[Any, Any, Position]] = []
        self._container: Any = None
        self._key: Any = _NO_KEY
        self._key_position: Position = (1, 1)
        self._nodes = 0

    @property
    def expects_key(self) -> bool:
        return self._key is _NO_KEY and type(self._container) is dict

    def key(self, name: str, position: Position) -> None:
        """The name of the next member of the mapping that is open."""
        if name in self._container:
            self.problem(
                Code.DUPLICATE_KEY,
                f"The key {shown(name)} appears twice in the same mapping.",
                position,
                "Keep one of them.",
            )
        self._key, self._key_position = self._usable(name, position), position

    def value(self, value: Any, position: Position) -> None:
        """A scalar, or a container met before."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise too_complex(position)
        if type(value) is str:
            value = self._usable(value, position)
        container = self._container
        if container is None:
            self.root = value
            return
        member: str | int
        if type(container) is dict:
            member, self._key = self._key, _NO_KEY
            container[member] = value
            key_position = self._key_position
        else:
            member, key_position = len(container), position
            container.append(value)
        if self._places is not None:
            self._places.members[id(container)][member] = key_position, position

    def start(self, container: dict[str, Any] | list[Any], position: Position) -> None:
        """Opens a mapping or a list."""
        if len(self._open) >= MAX_DEPTH:
            raise too_complex(position)
        self.value(container, position)
        self._open.append((self._container, self._key, self._key_position))
        self._container = container
        self._key = _NO_KEY
        if self._places is not None:
            self._places.members[id(container)] = {}

    def end(self) -> None:
        """Closes the mapping or list opened last."""
        self._container, self._key, self._key_position = self._open.pop()

    def _usable(self, text: str, position: Position) -> str:
        if _UNUSABLE.search(text) is None:
            return text
        self.problem(Code.BAD_CHARACTER, "This text holds a NUL character or half of a surrogate pair.", position)
        return _UNUSABLE.sub("", text)

    def problem(self, code: Code, message: str, position: Position, hint: str | None = None) -> None:
        self.misreadings.append(Misreading(code, message, position, hint))


def too_complex(position: Position) -> Unreadable:
    return Unreadable(
        Code.TOO_COMPLEX,
        f"The document has more than {MAX_NODES:,} parts, or is nested deeper than {MAX_DEPTH} levels.",
        position,
        "Split the pipeline; repeat less through YAML aliases.",
    )
