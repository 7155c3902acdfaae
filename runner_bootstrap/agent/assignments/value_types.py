"""The types of values as a command writes them: strings as lines, everything else as JSON."""

from __future__ import annotations

import json
import math
import re
import struct
import sys
from typing import Any, NamedTuple, NoReturn, Optional

_WORD = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*|[<>])")
_CONSTRUCTORS = ("Option", "Vec", "Map")
_SCALARS = {"void", "bool", "byte", "char", "string", "f32", "f64"}
_LARGEST = {"f32": struct.unpack("<f", b"\xff\xff\x7f\x7f")[0], "f64": sys.float_info.max}
_RANGES = {"byte": (0, 255)}
for _bits in (8, 16, 32, 64, 128):
    _RANGES[f"u{_bits}"] = (0, (1 << _bits) - 1)
    _RANGES[f"i{_bits}"] = (-(1 << (_bits - 1)), (1 << (_bits - 1)) - 1)
_SCALARS |= set(_RANGES)


class ValueType(NamedTuple):
    """A data type: a scalar, or Option, Vec or Map of ``item``."""

    name: str
    item: Optional[Any] = None

    def __str__(self) -> str:
        return f"{self.name}<{self.item}>" if self.item else self.name

    @property
    def range(self) -> tuple[int, int] | None:
        """The smallest and the largest value, for whole numbers."""
        return _RANGES.get(self.name)


def parse(text: str) -> ValueType:
    """Parses a data type such as ``Vec<u8>``. Raises ValueError."""
    tokens = _WORD.findall(text)
    if "".join(tokens) != re.sub(r"\s", "", text):
        raise ValueError(f"the type {text!r}")
    type_, rest = _parse(tokens, text)
    if rest:
        raise ValueError(f"the type {text!r}")
    return type_


def _parse(tokens: list[str], text: str) -> tuple[ValueType, list[str]]:
    name = tokens[0] if tokens else ""
    if name in _CONSTRUCTORS and tokens[1:2] == ["<"]:
        item, rest = _parse(tokens[2:], text)
        if rest[:1] == [">"]:
            return ValueType(name, item), rest[1:]
    elif name in _SCALARS:
        return ValueType(name), tokens[1:]
    raise ValueError(f"the type {text!r}")


def from_json(text: bytes) -> Any:
    """Parses JSON. Raises ValueError (json.JSONDecodeError has the position) for anything else."""
    try:
        return json.loads(text.decode("utf-8"), parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def fits(value: Any, expected: ValueType) -> bool:
    """Returns whether a JSON value is of the type ``wanted``, including the range of every number."""
    if expected.item is not None:
        if expected.name == "Option":
            return value is None or fits(value, expected.item)
        if expected.name == "Vec":
            return isinstance(value, list) and all(fits(part, expected.item) for part in value)
        return isinstance(value, dict) and all(fits(part, expected.item) for part in value.values())
    span = expected.range
    if span:
        return isinstance(value, int) and not isinstance(value, bool) and span[0] <= value <= span[1]
    if expected.name in _LARGEST:
        return _is_fraction(value, _LARGEST[expected.name])
    if expected.name == "void":
        return value is None
    if expected.name == "bool":
        return isinstance(value, bool)
    return isinstance(value, str) and (expected.name == "string" or len(value) == 1)


def _is_fraction(value: Any, largest: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return math.isfinite(value) and -largest <= value <= largest if isinstance(value, float) else abs(value) <= largest


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")
