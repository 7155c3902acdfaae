"""Where documents may hold expressions, and the replacement of expressions by their values."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cadence.domain.pipelines.document.findings import Path

ANY = "*"
_SERVICE = ("services", ANY)
PLACES: frozenset[Path] = frozenset(
    {
        ("when",),
        ("image",),
        ("arch",),
        ("pools", ANY),
        ("cpu",),
        ("memory",),
        ("storage",),
        ("max_duration",),
        ("env", ANY),
        (*_SERVICE, "image"),
        (*_SERVICE, "env", ANY),
        (*_SERVICE, "command", ANY),
        (*_SERVICE, "cpu"),
        (*_SERVICE, "memory"),
        ("cache", "key"),
        ("cache", ANY, "key"),
        ("environment",),
        ("environment", "name"),
    }
)
"""Of a treatment's body; beside them, everything in `matrix`, `trigger.parameters` and `melodium.parameters`."""
TREES: tuple[Path, ...] = (("matrix",), ("trigger", "parameters"), ("melodium", "parameters"))
SCRIPTS = frozenset({"run", "shell"})


def holds_expressions(value: Any) -> bool:
    """Whether an expression, or the escape of one, is anywhere in plain data."""
    if isinstance(value, str):
        return "${{" in value
    if isinstance(value, dict):
        return any(map(holds_expressions, value.values()))
    return isinstance(value, list) and any(map(holds_expressions, value))


def texts_with_expressions(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every text with an expression or the escape of one in plain data, and where it is."""
    if isinstance(value, str):
        if "${{" in value:
            yield path, value
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from texts_with_expressions(part, (*path, name))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from texts_with_expressions(part, (*path, index))


def is_place(path: Path) -> bool:
    """Whether a treatment's body may hold an expression there."""
    if any(path[: len(tree)] == tree for tree in TREES):
        return True
    return any(
        len(place) == len(path) and all(wanted in (ANY, part) for wanted, part in zip(place, path, strict=True))
        for place in PLACES
    )


def replaced(value: Any, replace: Callable[[str, Path], Any], path: Path = ()) -> Any:
    """Plain data with every text that holds an expression replaced; what holds none stays the same object."""
    if isinstance(value, str):
        return replace(value, path) if "${{" in value else value
    if isinstance(value, Mapping) and holds_expressions(value):
        return {name: replaced(part, replace, (*path, name)) for name, part in value.items()}
    if isinstance(value, list) and holds_expressions(value):
        return [replaced(part, replace, (*path, index)) for index, part in enumerate(value)]
    return value
