"""Defines where documents may hold expressions, and replaces these by their values."""

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
        ("soft_fail",),
        ("env", ANY),
        ("steps", ANY, "env", ANY),
        ("steps", ANY, "when"),
        (*_SERVICE, "image"),
        (*_SERVICE, "env", ANY),
        (*_SERVICE, "command", ANY),
        (*_SERVICE, "cpu"),
        (*_SERVICE, "memory"),
        ("cache", "key"),
        ("cache", ANY, "key"),
        ("cache", "restore", ANY),
        ("cache", ANY, "restore", ANY),
        ("environment",),
        ("environment", "name"),
        ("id_token", "audience"),
    }
)
"""Paths in a treatment's body that may hold expressions, besides everything in `TREES`."""
TREES: tuple[Path, ...] = (("matrix",), ("trigger", "parameters"), ("melodium", "parameters"))
SCRIPTS = frozenset({"run", "shell"})
_STEP = 3  # the length of the path of a step's own key


def holds_expressions(value: Any) -> bool:
    """Whether plain data contains an expression, or the escape of one, anywhere."""
    if isinstance(value, str):
        return "${{" in value
    if isinstance(value, dict):
        return any(map(holds_expressions, value.values()))
    return isinstance(value, list) and any(map(holds_expressions, value))


def texts_with_expressions(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yields every text with an expression or the escape of one in plain data, with its path."""
    if isinstance(value, str):
        if "${{" in value:
            yield path, value
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from texts_with_expressions(part, (*path, name))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from texts_with_expressions(part, (*path, index))


def is_script(path: Path) -> bool:
    """Whether a treatment's body has a script, or the program that reads it, at a path."""
    return path[0] in SCRIPTS or (path[0] == "steps" and len(path) == _STEP and path[-1] in SCRIPTS)


def is_condition_of_step(path: Path) -> bool:
    """Whether a treatment's body has the condition of a step at a path."""
    return path[0] == "steps" and len(path) == _STEP and path[-1] == "when"


def is_place(path: Path) -> bool:
    """Whether a treatment's body may hold an expression at a path."""
    if any(path[: len(tree)] == tree for tree in TREES):
        return True
    return any(
        len(place) == len(path) and all(expected in (ANY, part) for expected, part in zip(place, path, strict=True))
        for place in PLACES
    )


def replaced(value: Any, replace: Callable[[str, Path], Any], path: Path = ()) -> Any:
    """Returns plain data with every text that holds an expression replaced; parts without one stay the same objects."""
    if isinstance(value, str):
        return replace(value, path) if "${{" in value else value
    if isinstance(value, Mapping) and holds_expressions(value):
        return {name: replaced(part, replace, (*path, name)) for name, part in value.items()}
    if isinstance(value, list) and holds_expressions(value):
        return [replaced(part, replace, (*path, index)) for index, part in enumerate(value)]
    return value
