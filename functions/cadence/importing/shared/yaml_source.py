"""Reads YAML sources: plain data, and the line of each part of it."""

from collections.abc import Iterator, Mapping
from typing import Any

from cadence.domain.pipelines.document.findings import Code
from cadence.domain.pipelines.document.syntax.source import Position, SourcePositions, UnreadableDocument
from cadence.domain.pipelines.document.syntax.yaml_text import read_yaml
from cadence.importing.shared.report import ImportFailure, Notes

MAX_YAML_BYTES = 2_000_000
_MERGE = "<<"


class YamlSource:
    """The data of a YAML file. Containers are identified by identity: `line` takes the container itself."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_YAML_BYTES:
            raise ImportFailure(f"The file has more than {MAX_YAML_BYTES:,} characters; split it.")
        try:
            reading = read_yaml(text, keep_places=True)
        except UnreadableDocument as error:
            raise ImportFailure(error.problem.message, error.problem.position[0]) from None
        if not isinstance(reading.data, dict):
            raise ImportFailure("The file is not a mapping of keys.", 1)
        assert reading.places is not None
        self.data: dict[str, Any] = reading.data
        self._places: SourcePositions = reading.places
        self._derived: dict[int, tuple[Any, int]] = {}
        self._alive: list[Any] = []  # so that nothing else gets the identity of what was made
        self.tagged = [problem.path for problem in reading.misreadings if problem.code is Code.YAML_TAG]
        self._others = [problem for problem in reading.misreadings if problem.code is not Code.YAML_TAG]

    def tell_misreadings(self, notes: Notes) -> None:
        for problem in self._others:
            notes.add(
                problem.position[0],
                problem.message,
                "It cannot be read in one way only.",
                problem.hint or "Correct it.",
            )

    def line(self, container: Any, key: str | int | None = None) -> int:
        """The line of a member of a mapping or list, or of its first member without `key`; 0 if it is unknown."""
        if id(container) in self._derived:
            return self._line_in_container(container, key)
        first = next(iter(container), "") if isinstance(container, dict) else 0
        spots = self._places.of(container, first if key is None else key)
        return 0 if spots is None else self._position(spots[0])[0]

    def register(self, container: Any, line: int) -> None:
        """Registers a container that is not in the text but derived from one that begins on this line."""
        self._derived[id(container)] = (container, line)

    def _line_in_container(self, container: Any, key: str | int | None) -> int:
        value = container.get(key) if isinstance(container, dict) else None
        return (self.line(value) if isinstance(value, dict | list) else 0) or self._derived[id(container)][1]

    def _position(self, spot: Any) -> Position:
        return self._places.position_of(spot)

    def merged(self) -> dict[str, Any]:
        """The data with YAML's merge keys (`<<`) resolved, as most YAML readers do."""
        result: dict[str, Any] = self._merge(self.data, {})
        return result

    def _merge(self, value: Any, done: dict[int, Any]) -> Any:
        if not isinstance(value, dict | list):
            return value
        if id(value) in done:
            return done[id(value)]
        if isinstance(value, list):
            done[id(value)] = made_list = [self._merge(item, done) for item in value]
            self._adopt(made_list, value)
            return made_list
        merged: dict[str, Any] = {}
        done[id(value)] = merged
        bases = value.get(_MERGE, [])
        for base in reversed(bases if isinstance(bases, list) else [bases]):
            if isinstance(base, dict):
                merged.update(self._merge(base, done))
        merged.update((key, self._merge(item, done)) for key, item in value.items() if key != _MERGE)
        self._adopt(merged, value)
        return merged

    def _adopt(self, copy: Any, original: Any) -> None:
        if id(original) in self._places.members:
            self._places.members[id(copy)] = self._places.members[id(original)]
            self._alive.append(copy)


def merged_data(text: str) -> dict[str, Any]:
    """The data of a YAML text with merge keys resolved, as `YamlSource.merged`; empty if it cannot be read."""
    try:
        return YamlSource(text).merged()
    except ImportFailure:
        return {}


def mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def listed(value: Any) -> list[Any]:
    """The value if it is a list, an empty list for none, else a list with the value only."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def texts(value: Any) -> list[str]:
    """The scalars of a value that is one or a list of them, nested lists included, as texts."""
    return list(_texts(value))


def _texts(value: Any) -> Iterator[str]:
    for item in listed(value):
        if isinstance(item, list):
            yield from _texts(item)
        elif item is not None and not isinstance(item, dict):
            yield plain(item)


def plain(value: Any) -> str:
    """A scalar as it is written in YAML."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def whole_number(value: Any) -> int | None:
    """The value if it is a whole number; `true` and `false`, which Python counts among them, are none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
