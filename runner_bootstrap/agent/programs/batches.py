"""Batches of values in messages of the distribution protocol.

Until 0.10.2 each value has its own tag: ``[{"u64": 1}, {"u64": 2}]``. Since then a batch has one: ``{"U64": [1, 2]}``,
bytes are bytes, and values of other types (options, lists, data types) keep their own tags in ``{"Other": […]}``.
"""

from __future__ import annotations

from typing import Any, Optional, Union

from . import cbor

_BYTE = b"\xa1dbyte"
_BYTES = [_BYTE + cbor.head(0, number) for number in range(256)]
_START = b"\xa1jOutputData\xa3bid"
#: Tags of batches by the tag of a value. A port's values must all come in the same kind of batch.
_BATCHES = {
    name: name.capitalize()
    for name in (
        *("void", "bool", "char", "string", "f32", "f64"),
        *(f"{sign}{bits}" for sign in "iu" for bits in (8, 16, 32, 64, 128)),
    )
}
_VALUES = {batch: name for name, batch in _BATCHES.items()}
_LISTS = "Packed"


def tagged(values: "list[Any] | bytes") -> bytes:
    """Encodes values with their own tags."""
    items = map(_BYTES.__getitem__, values) if isinstance(values, bytes) else map(cbor.encode, values)
    return cbor.head(4, len(values)) + b"".join(items)


def packed(values: "list[Any] | bytes") -> bytes:
    """Encodes values, all of one type, as one batch."""
    if isinstance(values, bytes):
        return cbor.encode({"Byte": values})
    tag = next(iter(values[0]), "") if values else ""
    if tag == "byte":
        return cbor.encode({"Byte": bytes(value["byte"] for value in values)})
    if tag in _BATCHES:
        return cbor.encode({_BATCHES[tag]: [value[tag] for value in values]})
    return cbor.encode({"Other": values})


def values_of(data: Any) -> "Union[list[Any], bytes]":
    """Returns a batch's values with their own tags, those of type byte as bytes. Raises cbor.CborError."""
    if isinstance(data, list):
        return data
    if not isinstance(data, dict) or len(data) != 1:
        raise cbor.CborError("values in a form that is not known")
    ((batch, content),) = data.items()
    if batch == "Byte":
        return bytes(content)
    if batch == "Other":
        return list(content)
    if batch in _VALUES:
        return [{_VALUES[batch]: value} for value in content]
    item = batch[len(_LISTS) :] if batch.startswith(_LISTS) else ""
    name = "byte" if item == "Byte" else _VALUES.get(item)
    if name is None:
        raise cbor.CborError(f"a batch of {batch}, which is not known")
    return [{"vec": [{name: value} for value in values]} for values in content]


def tagged_bytes(frame: bytes) -> "Optional[tuple[int, str, bytes]]":
    """Returns the id, port and bytes of an `OutputData` whose values have their own tag ``byte``; None for others.

    It needs no generic decoder, since such a frame has eight bytes for each value.
    """
    if not frame.startswith(_START):
        return None
    reader = cbor.CborReader(frame, len(_START))
    number = reader.value()
    name, port, data = reader.value(), reader.value(), reader.value()
    if name != "name" or data != "data" or not reader.at_list():
        return None
    count = reader.length_of_list()
    rest = frame[reader.at :]
    if count is None or not rest.startswith(_BYTE):
        return None
    parts = rest.split(_BYTE)
    if len(parts) != count + 1 or max(map(len, parts)) > 2:
        return None
    return number, port, b"".join([part[-1:] for part in parts])
