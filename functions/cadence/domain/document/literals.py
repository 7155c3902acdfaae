"""Whether a value is one of a type, with the ranges of every number type."""

import math
import struct
import sys
from typing import Any

from cadence.domain.document.types import DataType, Map, Option, Scalar, Vec
from cadence.domain.document.wording import kind_of, shown

_WHOLE = {
    Scalar(f"{sign}{bits}"): (-(1 << bits - 1), (1 << bits - 1) - 1) if sign == "i" else (0, (1 << bits) - 1)
    for sign in "iu"
    for bits in (8, 16, 32, 64, 128)
} | {Scalar.BYTE: (0, 255)}
_LARGEST_F32 = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]
_FRACTIONAL = {Scalar.F32: _LARGEST_F32, Scalar.F64: sys.float_info.max}


def mismatch(value: Any, wanted: DataType) -> str | None:
    """Why `value` (plain JSON data) is not a `wanted`, in words; `None` if it is one."""
    match wanted:
        case Option(item):
            return None if value is None else mismatch(value, item)
        case Vec(item):
            if not isinstance(value, list):
                return f"a list is wanted for {wanted}, not {kind_of(value)}"
            return _first_mismatch(((f"item {index + 1}", part) for index, part in enumerate(value)), item)
        case Map(item):
            if not isinstance(value, dict):
                return f"a mapping is wanted for {wanted}, not {kind_of(value)}"
            return _first_mismatch(((shown(key), part) for key, part in value.items()), item)
        case _:
            return _scalar_mismatch(value, wanted)


def _first_mismatch(parts: Any, item: DataType) -> str | None:
    return next((f"{name}: {why}" for name, part in parts if (why := mismatch(part, item)) is not None), None)


def _scalar_mismatch(value: Any, wanted: Scalar) -> str | None:
    if wanted in _WHOLE:
        return _number_mismatch(value, wanted, *_WHOLE[wanted], whole=True)
    if wanted in _FRACTIONAL:
        return _number_mismatch(value, wanted, -_FRACTIONAL[wanted], _FRACTIONAL[wanted], whole=False)
    match wanted:
        case Scalar.VOID:
            fits, description = value is None, "nothing (null)"
        case Scalar.BOOL:
            fits, description = isinstance(value, bool), "true or false"
        case Scalar.CHAR:
            fits, description = isinstance(value, str) and len(value) == 1, "a single character"
        case _:
            fits, description = isinstance(value, str), "text"
    return None if fits else f"{description} is wanted for {wanted}, not {_described(value)}"


def _number_mismatch(value: Any, wanted: Scalar, least: float, most: float, *, whole: bool) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        description = "a whole number" if whole else "a number"
        return f"{description} is wanted for {wanted}, not {_described(value)}"
    if isinstance(value, float) and not math.isfinite(value):
        return f"a finite number is wanted for {wanted}"
    if not least <= value <= most:
        return f"{shown(repr(value))} is out of the range of {wanted} ({least} to {most})"
    return None


def _described(value: Any) -> str:
    return f"the {kind_of(value)} {shown(value)}" if isinstance(value, str) else kind_of(value)
