"""Values as Mélodium source text has them, for parameters on a command line (`melodium run --parse-arguments`)."""

from __future__ import annotations

from typing import Any

from .errors import TreatmentFailed
from .values import Type, fits


def literal(value: Any, of: Type) -> str:
    """Raises TreatmentFailed for a value of another type."""
    if not fits(value, of):
        raise TreatmentFailed(f"a parameter is not a {of}: {str(value)[:80]!r}")
    if of.name == "Option":
        return "_" if value is None else literal(value, of.item)  # type: ignore[arg-type]
    if of.name == "Vec":
        return "[" + ", ".join(literal(item, of.item) for item in value) + "]"  # type: ignore[arg-type]
    if of.name == "string":
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if of.name == "char":
        return str(ord(value))
    if of.name == "bool":
        return "true" if value else "false"
    if of.name == "byte":
        return f"0x{value:02X}"
    if of.name == "void":
        return "_"
    if of.name in ("f32", "f64"):
        return _decimal(float(value))
    if of.range:
        return str(value)
    raise TreatmentFailed(f"a parameter of type {of} cannot be given to an engine")


def _decimal(value: float) -> str:
    """Without an exponent, which the language does not have."""
    text = f"{value:.400f}".rstrip("0") if "e" in repr(value) else repr(value)
    return text + "0" if text.endswith(".") else text
