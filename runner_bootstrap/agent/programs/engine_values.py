"""Converts values between a treatment's files and a Mélodium engine, exactly for every type that both have."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator
from typing import Any, Union

from ..assignments.value_types import ValueType, fits, from_json, parse

#: Values of type byte are kept together as ``bytes``.
Values = Union[bytes, "list[Any]"]
#: Bytes of a stream that are read at once.
READ_BYTES = 1 << 16
LONGEST_LINE = 8 << 20


class ValueFault(Exception):
    """A value that is not of its type or cannot be converted to it."""


def raw(value: Any, of: ValueType) -> Any:
    """Converts a JSON value to Mélodium's form:

    ``{"u64": 1}``, ``{"vec": […]}``, ``{"option": null}``. Raises ValueFault.
    """
    if not fits(value, of):
        raise ValueFault(f"{_shown(value)} is not a {of}")
    return _raw(value, of)


def _raw(value: Any, of: ValueType) -> Any:
    if of.item is not None and of.name == "Option":
        return {"option": None if value is None else _raw(value, of.item)}
    if of.item is not None and of.name == "Vec":
        return {"vec": [_raw(item, of.item) for item in value]}
    if of.name == "Map":
        raise ValueFault(f"Mélodium has no values of type {of}")
    return {of.name: float(value) if of.name in ("f32", "f64") else value}


def plain(value: Any, of: ValueType) -> Any:
    """Converts Mélodium's form to a JSON value. Raises ValueFault for another type and for values that JSON lacks."""
    name, content = next(iter(value.items())) if isinstance(value, dict) and len(value) == 1 else ("", None)
    if of.item is not None and name == "option" and of.name == "Option":
        return None if content is None else plain(content, of.item)
    if of.item is not None and name == "vec" and of.name == "Vec" and isinstance(content, list):
        return [plain(item, of.item) for item in content]
    if name != of.name:
        raise ValueFault(f"the engine sent a {name or type(value).__name__}, not a {of}")
    if isinstance(content, float) and not math.isfinite(content):
        raise ValueFault(f"the engine sent {content}, which no {of} outside of it can be")
    if not fits(content, of):
        raise ValueFault(f"the engine sent {_shown(content)}, which is not a {of}")
    return content


def chunks(file: Any, of: ValueType) -> Iterator[Values]:
    """Yields the values of a stream while they are read from an unbuffered file or FIFO. Raises ValueFault."""
    if of.name == "byte":
        while content := file.read(READ_BYTES):
            yield content
        return
    rest, number = b"", 0
    while content := file.read(READ_BYTES):
        lines = (rest + content).split(b"\n")
        rest = lines.pop()
        if len(rest) > LONGEST_LINE:
            raise ValueFault(f"line {number + len(lines) + 1} is longer than {LONGEST_LINE:,} bytes")
        batch = [_of_line(line, of, number + at) for at, line in enumerate(lines, 1)]
        number += len(lines)
        if batch:
            yield batch
    if rest:
        yield [_of_line(rest, of, number + 1)]


def block(content: bytes, of: ValueType) -> Values:
    """Returns the one value of a block's file. Raises ValueFault."""
    if of.name == "byte":
        if len(content) != 1:
            raise ValueFault(f"a Block<byte> of an engine is one byte, not {len(content):,}: use a Stream<byte>")
        return content
    if of.name == "string":
        return [{"string": _text(content)}]
    if of.name == "void":
        return [{"void": None}]
    return [raw(_json(content), of)]


def line_of(value: Any, of: ValueType) -> bytes:
    """Returns the line for a value of a stream. Raises ValueFault."""
    content = plain(value, of)
    if of.name == "string":
        if "\n" in content:
            raise ValueFault("the engine sent a string with a line break, which a Stream<string> cannot carry")
        return str(content).encode("utf-8") + b"\n"
    return _written(content, of) + b"\n"


def block_of(values: Values, of: ValueType) -> bytes:
    """Returns the content of a block's file. Raises ValueFault."""
    if isinstance(values, bytes):
        return values
    content = plain(values[0], of)
    if of.name == "byte":
        return bytes((content,))
    return str(content).encode("utf-8") if of.name == "string" else _written(content, of)


def lines_of(values: Values, of: ValueType) -> bytes:
    """Returns the bytes that a stream's FIFO gets for these values. Raises ValueFault."""
    if isinstance(values, bytes):
        return values
    if of.name == "byte":
        return bytes(plain(value, of) for value in values)
    return b"".join([line_of(value, of) for value in values])


def parsed(text: str) -> ValueType:
    """Raises ValueError."""
    return parse(text)


def _written(value: Any, of: ValueType) -> bytes:
    return json.dumps(shortest(value, of), ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def shortest(value: Any, of: ValueType) -> Any:
    """Returns the value with the fewest digits that identify it in single precision."""
    if of.name == "f32" and isinstance(value, float):
        for digits in range(6, 10):
            short = float(f"{value:.{digits}g}")
            if fits(short, of) and struct.pack(">f", short) == struct.pack(">f", value):
                return short
    if of.item is not None and isinstance(value, list):
        return [shortest(item, of.item) for item in value]
    return shortest(value, of.item) if of.item is not None and value is not None else value


def _of_line(line: bytes, of: ValueType, number: int) -> Any:
    try:
        return {"string": _text(line)} if of.name == "string" else raw(_json(line), of)
    except ValueFault as fault:
        raise ValueFault(f"line {number}: {fault}") from None


def _json(content: bytes) -> Any:
    try:
        return from_json(content)
    except ValueError:
        raise ValueFault(f"{_shown(content.decode('utf-8', 'replace'))} is no JSON value") from None


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueFault(f"byte {error.start} is not UTF-8") from None


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return json.dumps(text[:80], ensure_ascii=False) if isinstance(value, str) else text[:80]
