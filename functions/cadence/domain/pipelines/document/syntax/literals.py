"""Checks values in documents against types, including the ranges of numbers, and writes them for commands."""

import json
import math
import struct
import sys
from typing import Any

from cadence.domain.pipelines.document.connections.types import (
    DataType,
    Flow,
    FlowType,
    Map,
    Option,
    Parameterized,
    Scalar,
    Vec,
)
from cadence.domain.shared.display import kind_of, shown

_WHOLE = {
    Scalar(f"{sign}{bits}"): (-(1 << bits - 1), (1 << bits - 1) - 1) if sign == "i" else (0, (1 << bits) - 1)
    for sign in "iu"
    for bits in (8, 16, 32, 64, 128)
} | {Scalar.BYTE: (0, 255)}
_LARGEST_F32 = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]
_FRACTIONAL = {Scalar.F32: _LARGEST_F32, Scalar.F64: sys.float_info.max}


def mismatch(value: Any, wanted: DataType) -> str | None:
    """Returns the reason, in words, why `value` (plain JSON data) does not have the type `wanted`; `None` if it has."""
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
        case Parameterized():
            return None
        case _:
            return _scalar_mismatch(value, wanted)


def unwritable(value: Any, wanted: FlowType) -> str | None:
    """Returns the reason, in words, why `value` cannot be the literal of a port of this type; `None` if it can.

    The literal of a stream is the list of its values. Bytes are written as text and encoded in UTF-8.
    """
    if wanted.type is Scalar.BYTE:
        return None if isinstance(value, str) else f"text is wanted for {wanted}, not {_described(value)}"
    if wanted.flow is Flow.BLOCK:
        return mismatch(value, wanted.type)
    if not isinstance(value, list):
        return f"a list of its values is wanted for {wanted}, not {_described(value)}"
    why = mismatch(value, Vec(wanted.type))
    if why is None and wanted.type is Scalar.STRING:
        lines = (f"item {n}: a line cannot hold a line break" for n, line in enumerate(value, 1) if "\n" in line)
        return next(lines, None)
    return why


def content(value: Any, of: FlowType) -> str:
    """Returns the content of a port's file for a value: bytes unchanged, strings as lines, all else as JSON lines.

    >>> content([1, None], FlowType(Flow.STREAM, Option(Scalar.U8)))
    '1\\nnull\\n'
    """
    if of.type is Scalar.BYTE:
        return str(value)
    values = value if of.flow is Flow.STREAM else [value]
    if of.type is Scalar.VOID and of.flow is Flow.BLOCK:
        return ""
    return "".join(_line(item, of.type) for item in values)


def _line(value: Any, data_type: DataType) -> str:
    if data_type is Scalar.STRING:
        return value if value.endswith("\n") else f"{value}\n"
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"


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
