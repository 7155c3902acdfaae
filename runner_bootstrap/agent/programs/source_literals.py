"""Values as literals of Mélodium's source text, for parameters on a command line (`melodium run --parse-arguments`)."""

from __future__ import annotations

from typing import Any, Callable

from ..assignments.value_types import ValueType, fits
from ..shared.errors import TreatmentFailed


def literal(value: Any, of: ValueType) -> str:
    """Returns the literal of a value. Raises TreatmentFailed for a value of another type."""
    if not fits(value, of):
        raise TreatmentFailed(f"a parameter is not a {of}: {str(value)[:80]!r}")
    if of.item is not None and of.name == "Option":
        return "_" if value is None else literal(value, of.item)
    if of.item is not None and of.name == "Vec":
        return "[" + ", ".join(literal(item, of.item) for item in value) + "]"
    write = _WRITERS.get(of.name) or (str if of.range else None)
    if write is None:
        raise TreatmentFailed(f"a parameter of type {of} cannot be given to an engine")
    return write(value)


def _text(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _decimal(value: float) -> str:
    """Formats a number without an exponent, which the language does not have."""
    text = f"{float(value):.400f}".rstrip("0") if "e" in repr(float(value)) else repr(float(value))
    return text + "0" if text.endswith(".") else text


_WRITERS: dict[str, Callable[[Any], str]] = {
    "string": _text,
    "char": lambda value: str(ord(value)),
    "bool": lambda value: "true" if value else "false",
    "byte": lambda value: f"0x{value:02X}",
    "void": lambda _: "_",
    "f32": _decimal,
    "f64": _decimal,
}
