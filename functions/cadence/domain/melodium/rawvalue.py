"""Converts values of Mélodium programs from the engines' form into the stored form.

An engine writes `{"option": {"vec": [{"u128": 1}]}}`; stored is `[1]`, with the type `Option<Vec<u128>>`. With the
type, the stored form is exact: integers have all their digits, an option in an option stays one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cadence.domain.melodium.identifier import text_of
from cadence.domain.melodium.redaction import SECRET_DATA, Masks, redacted

UNKNOWN = "?"
"""The item type of an empty list or option."""

_PLAIN = frozenset(
    {
        "void", "bool", "byte", "i8", "i16", "i32", "i64", "i128",
        "u8", "u16", "u32", "u64", "u128", "f32", "f64",
    }
)  # fmt: skip

ReadData = Callable[[str, bytes], Mapping[str, Any]]
"""Reads the serialised content of a data type, given the type's name and the content.

Returns `value`, its JSON form without secrets, if it can be read; and `cbor`, the content itself in base64, unless it
holds a secret. For `SECRET_DATA` it returns only the digest by which the content is recognized."""


@dataclass(frozen=True)
class StoredValue:
    """A value in the stored form, with its type."""

    type: str
    value: Any


@dataclass
class Keeping:
    """Converts a value from the engines' form into the stored form. Raises ValueError if it is not in the former."""

    masks: Masks
    read_data: ReadData

    def keep(self, raw: Any) -> StoredValue:
        if not isinstance(raw, Mapping) or len(raw) != 1:
            raise ValueError("a value has one type")
        ((tag, content),) = raw.items()
        if tag in _PLAIN:
            return StoredValue(tag, content)
        if tag in ("string", "char"):
            return StoredValue(tag, self.masks.masked(str(content)))
        match tag:
            case "vec":
                return self._list(content)
            case "option":
                return self._option(content)
            case "data":
                return self._data(content)
            case "secret":
                return _secret(content)
        raise ValueError("there is no such type of value")

    def _list(self, content: Any) -> StoredValue:
        items = [self.keep(item) for item in content]
        inner = next((item.type for item in items if UNKNOWN not in item.type), items[0].type if items else UNKNOWN)
        return StoredValue(f"Vec<{inner}>", [item.value for item in items])

    def _option(self, content: Any) -> StoredValue:
        if content is None:
            return StoredValue(f"Option<{UNKNOWN}>", None)
        inner = self.keep(content)
        # `null` alone would not distinguish an empty option from an option that holds an empty one.
        value = {"some": inner.value} if inner.value is None or inner.type.startswith("Option<") else inner.value
        return StoredValue(f"Option<{inner.type}>", value)

    def _data(self, content: Any) -> StoredValue:
        identifier, serialised = content
        name = text_of(identifier)
        if name in SECRET_DATA:
            return StoredValue(name, {**redacted(), **self.read_data(name, bytes(serialised or ()))})
        if serialised is None:
            return StoredValue(name, {"data": name})
        return StoredValue(name, {"data": name, **self.read_data(name, bytes(serialised))})


def _secret(content: Mapping[str, Any]) -> StoredValue:
    """Returns the description of a secret, without its value."""
    described = {"secret": str(content["name"]), **redacted()}
    locator = content.get("locator")
    return StoredValue(
        f"Secret<{type_text(content.get('datatype'), {})}>",
        described if locator is None else {**described, "locator": str(locator)},
    )


def more_exact(known: str, new: str) -> str:
    """Returns the more specific of two types of the same port."""
    return new if UNKNOWN in known and UNKNOWN not in new else known


def type_text(described: Any, generics: Mapping[str, str]) -> str:
    """Returns a type in the dump's form (`{"vec": "byte"}`) as text, with generics replaced by their types."""
    if isinstance(described, str):
        return described
    if not isinstance(described, Mapping) or len(described) != 1:
        return UNKNOWN
    ((tag, content),) = described.items()
    match tag:
        case "vec":
            return f"Vec<{type_text(content, generics)}>"
        case "option":
            return f"Option<{type_text(content, generics)}>"
        case "secret":
            return f"Secret<{type_text(content, generics)}>"
        case "data":
            return text_of(content.get("identifier")) or UNKNOWN
        case "generic":
            name = str(content.get("name", ""))
            return generics.get(name, name or UNKNOWN)
    return UNKNOWN


def is_bytes(type_: str) -> bool:
    """Whether a stream of this type is stored as its bytes; any other is stored as one JSON value a line."""
    return type_ == "byte"
