"""Converts values between the form in which Cadence stores what an engine has reported and the engine's own form.

Stored is one JSON value per line (values of type byte as bytes): ``1`` for ``{"u64": 1}``, ``{"some": null}`` for an
option in an option, ``{"data", "value", "cbor"}`` for a value of a data type. Content left out because it may be secret
cannot be restored.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Union

from ..assignments.value_types import ValueType
from . import cbor
from .engine_values import LONGEST_LINE, READ_BYTES, ValueFault, Values, shortest

#: Replaces a secret text.
MASK = "***"
_IN_URL = re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]+(?=@)")
_SECRET_NAME = re.compile(r"token|key|secret|passw|passphrase|credential|private|auth(?!or)", re.IGNORECASE)
_FRACTIONS = ("f32", "f64")
#: A type as programs describe it, without generics: ``u64``, ``{"vec": …}``, ``{"data": {"identifier": …}}``.
DescribedType = Union[str, "dict[str, Any]"]


def name_of(of: DescribedType) -> str:
    """Returns a type as users write it: ``Vec<u64>``, ``json::Json``."""
    if isinstance(of, str):
        return of
    ((kind, content),) = of.items()
    if kind == "data":
        return _text(content["identifier"])
    if kind == "generic":
        return str(content["name"])
    return f"{kind.capitalize()}<{name_of(content)}>"


def restored(value: Any, of: DescribedType) -> Any:
    """Converts a stored value to the engine's form: ``{"vec": [{"u64": 1}]}``.

    Raises ValueFault if it was not stored completely.
    """
    if isinstance(of, str):
        return {of: _plain(value, of)}
    ((kind, inner),) = of.items()
    if kind == "vec" and isinstance(value, list):
        return {"vec": [restored(item, inner) for item in value]}
    if kind == "option":
        if value is None:
            return {"option": None}
        return {"option": restored(value["some"] if _is_some(value) else value, inner)}
    if kind == "data" and isinstance(value, dict):
        return {"data": [inner["identifier"], list(_serialised(value, _text(inner["identifier"])))]}
    raise ValueFault(f"{json.dumps(value)[:80]} is not a {name_of(of)}")


def stored(raw: Any, of: DescribedType) -> Any:
    """Converts an engine's value to the stored form. Raises ValueFault for another type."""
    tag, content = _tagged(raw)
    if isinstance(of, str) and tag == of:
        if of in ("string", "char"):
            return _IN_URL.sub(MASK, content) if "://" in content else content
        return shortest(content, ValueType(of)) if of in _FRACTIONS else content
    if isinstance(of, dict) and tag in of:
        inner = of[tag]
        if tag == "vec":
            return [stored(item, inner) for item in content]
        if tag == "option":
            if content is None:
                return None
            value = stored(content, inner)
            return {"some": value} if value is None or (isinstance(inner, dict) and "option" in inner) else value
        if tag == "data":
            return _shown(_text(content[0]), content[1])
    raise ValueFault(f"the engine sent a {tag or type(raw).__name__}, not a {name_of(of)}")


def to_json(value: Any) -> str:
    """Returns JSON in exactly the control plane's form, which differs from Python's in its exponents."""
    if isinstance(value, float):
        return _decimal(value)
    if isinstance(value, dict):
        members = (f"{json.dumps(name, ensure_ascii=False)}:{to_json(member)}" for name, member in value.items())
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(to_json, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def lines_of(values: Values, of: DescribedType) -> bytes:
    """Returns the bytes that an output's file gets for these values. Raises ValueFault."""
    if of == "byte":
        return values if isinstance(values, bytes) else bytes(stored(value, of) for value in values)
    raws = [{"byte": byte} for byte in values] if isinstance(values, bytes) else values
    return "".join([to_json(stored(raw, of)) + "\n" for raw in raws]).encode("utf-8", "surrogatepass")


def read(file: Any, of: DescribedType) -> Iterator[Values]:
    """Yields the values of an input while they are read from an unbuffered file or FIFO. Raises ValueFault."""
    rest, number = b"", 0
    while content := file.read(READ_BYTES):
        if of == "byte":
            _require_no_mask(content)
            yield content
            continue
        lines = (rest + content).split(b"\n")
        rest = lines.pop()
        if len(rest) > LONGEST_LINE:
            raise ValueFault(f"value {number + len(lines) + 1} is longer than {LONGEST_LINE:,} bytes")
        batch = [_of_line(line, of, number + at) for at, line in enumerate(lines, 1)]
        number += len(lines)
        if batch:
            yield batch


def _tagged(raw: Any) -> tuple[str, Any]:
    """Returns the type that a value names, and its content."""
    return next(iter(raw.items())) if isinstance(raw, dict) and len(raw) == 1 else ("", None)


def _of_line(line: bytes, of: DescribedType, number: int) -> Any:
    try:
        return restored(json.loads(line), of)
    except ValueFault as fault:
        raise ValueFault(f"value {number} cannot be restored: {fault}") from None
    except ValueError:
        raise ValueFault(f"value {number} is no JSON") from None


def _plain(value: Any, of: str) -> Any:
    if of in _FRACTIONS:
        if value is None:
            raise ValueFault("engines write NaN and infinity as nothing")
        return float(value)
    if of in ("string", "char"):
        _require_no_mask(value)
    return value


def _require_no_mask(value: Any) -> None:
    """Raises ValueFault for a text that holds the mask: its original content is not known."""
    if (MASK.encode() if isinstance(value, bytes) else MASK) in value:
        raise ValueFault(f"it holds {MASK}, which stands where a secret was masked")


def _is_some(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"some"}


def _serialised(value: Mapping[str, Any], name: str) -> bytes:
    if "cbor" not in value:
        why = (
            "it holds a secret, which is not kept" if "value" in value else f"a {name} exists only inside of its engine"
        )
        raise ValueFault(why)
    if MASK in json.dumps(value.get("value")):
        _require_no_mask(MASK)
    try:
        return base64.b64decode(value["cbor"], validate=True)
    except binascii.Error as error:
        raise ValueFault(f"the content of a {name} is not readable") from error


def _shown(name: str, content: Any) -> Any:
    """Returns a value of a data type without secrets, and its encoded content unless it holds one."""
    if content is None:
        return {"data": name}
    whole = bytes(content)
    try:
        read_ = cbor.decode(whole)
        shown = _member(read_)
    except (cbor.CborError, ValueError, RecursionError):
        return {"data": name, "size": len(whole)}
    described = {"data": name, "value": shown}
    return {**described, "cbor": base64.b64encode(whole).decode()} if shown == read_ else described


def _member(value: Any) -> Any:
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise ValueError("a key that is no text")
        return {
            key: {"redacted": True}
            if _SECRET_NAME.search(key) and member not in (None, "", {}, [])
            else _member(member)
            for key, member in value.items()
        }
    if isinstance(value, list):
        return [_member(member) for member in value]
    if isinstance(value, bytes):
        return list(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return _IN_URL.sub(MASK, value) if isinstance(value, str) and "://" in value else value


def _decimal(value: float) -> str:
    if not math.isfinite(value):
        return "null"
    mantissa, _, exponent = repr(value).partition("e")
    if not exponent:
        return mantissa
    if int(exponent) == -5:
        sign, digits = mantissa[: mantissa.startswith("-")], mantissa.lstrip("-").replace(".", "")
        return f"{sign}0.0000{digits}"
    return f"{mantissa}e{int(exponent)}"


def _text(identifier: Mapping[str, Any]) -> str:
    return f"{'/'.join(identifier['path'])}::{identifier['name']}"
