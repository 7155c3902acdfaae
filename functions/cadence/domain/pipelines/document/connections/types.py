"""The type language of ports and parameters: data types (`Vec<u8>`), and the flows `Block<T>` and `Stream<T>`."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum

from cadence.domain.pipelines.document.wording import suggestion
from cadence.domain.shared.display import shown

DEEPEST = 16
_TOKEN = re.compile(r"\s*(?:([A-Za-z_][A-Za-z0-9_]*)|([<>,])|(\S)|\Z)")


class Scalar(StrEnum):
    """A data type without parts."""

    VOID = "void"
    BOOL = "bool"
    BYTE = "byte"
    CHAR = "char"
    STRING = "string"
    I8 = "i8"
    I16 = "i16"
    I32 = "i32"
    I64 = "i64"
    I128 = "i128"
    U8 = "u8"
    U16 = "u16"
    U32 = "u32"
    U64 = "u64"
    U128 = "u128"
    F32 = "f32"
    F64 = "f64"


_SCALARS = {scalar.value: scalar for scalar in Scalar}


@dataclass(frozen=True, slots=True)
class Option:
    """A value or none."""

    item: "DataType"

    def __str__(self) -> str:
        return f"Option<{self.item}>"


@dataclass(frozen=True, slots=True)
class Vec:
    """Any number of values, in order."""

    item: "DataType"

    def __str__(self) -> str:
        return f"Vec<{self.item}>"


@dataclass(frozen=True, slots=True)
class Map:
    """Values by text keys."""

    item: "DataType"

    def __str__(self) -> str:
        return f"Map<{self.item}>"


@dataclass(frozen=True, slots=True)
class Parameterized:
    """A type parameter such as `T`: of a definition, or (with an owner) of one treatment that uses it."""

    name: str
    owner: str = ""

    def __str__(self) -> str:
        return self.name


DataType = Scalar | Option | Vec | Map | Parameterized


def substituted(data_type: DataType, meaning: Callable[[Parameterized], DataType]) -> DataType:
    """Returns the type with each type parameter replaced by its meaning; the same object if it has none."""
    match data_type:
        case Parameterized():
            return meaning(data_type)
        case Option(item) | Vec(item) | Map(item):
            inner = substituted(item, meaning)
            return data_type if inner is item else type(data_type)(inner)
        case _:
            return data_type


def parameters_of(data_type: DataType) -> Parameterized | None:
    """Returns the type parameter in a type; there can be only one, since every constructor takes one type."""
    while isinstance(data_type, Option | Vec | Map):
        data_type = data_type.item
    return data_type if isinstance(data_type, Parameterized) else None


def depth(data_type: DataType) -> int:
    """Returns the number of constructors around the innermost type."""
    levels = 0
    while isinstance(data_type, Option | Vec | Map):
        data_type, levels = data_type.item, levels + 1
    return levels


class Flow(StrEnum):
    """The number of values that a port passes: exactly one, or many in order."""

    BLOCK = "block"
    STREAM = "stream"


@dataclass(frozen=True, slots=True)
class FlowType:
    """The type of a port. `str()` returns the canonical text, which `parse_flow_type` reads back to an equal type."""

    flow: Flow
    type: DataType

    def __str__(self) -> str:
        return f"{self.flow.capitalize()}<{self.type}>"


class TypeSyntaxError(ValueError):
    """Signals a text that is not a type; the message states the reason, `hint` what to write instead."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def parse_flow_type(text: str, generics: Collection[str] = ()) -> FlowType:
    """Parses `Block<T>` or `Stream<T>`; `generics` are the declared type parameters. Raises TypeSyntaxError."""
    reader = _TypeReader(text, generics)
    name = reader.name("Block or Stream")
    if name not in ("Block", "Stream"):
        if name in _CONSTRUCTORS or name in _SCALARS:
            raise TypeSyntaxError(
                f"{shown(text)} lacks a flow.",
                f"Write Block<{text.strip()}> for one value or Stream<{text.strip()}> for many.",
            )
        raise TypeSyntaxError(f"{shown(name)} is not a kind of flow.", suggestion(name, ("Block", "Stream")))
    item = reader.argument(name, depth=1)
    reader.end()
    return FlowType(Flow(name.lower()), item)


def parse_data_type(text: str, generics: Collection[str] = ()) -> DataType:
    """Parses a type without flow, such as a parameter's. Raises TypeSyntaxError."""
    reader = _TypeReader(text, generics)
    data_type = reader.data_type(depth=0)
    reader.end()
    return data_type


_CONSTRUCTORS: dict[str, type[Option] | type[Vec] | type[Map]] = {"Option": Option, "Vec": Vec, "Map": Map}


class _TypeReader:
    def __init__(self, text: str, generics: Collection[str]) -> None:
        self._text = text
        self._generics = generics
        self._tokens = [match for match in _TOKEN.finditer(text) if match.lastindex]
        self._next = 0

    def data_type(self, depth: int) -> DataType:
        """Parses a data type that is nested in `depth` others."""
        if depth > DEEPEST:
            raise self._refusal(f"is nested deeper than {DEEPEST} levels")
        name = self.name("a type")
        if name in _CONSTRUCTORS:
            return _CONSTRUCTORS[name](self.argument(name, depth + 1))
        if name in _SCALARS:
            return _SCALARS[name]
        if name in self._generics:
            return Parameterized(name)
        if len(name) == 1 and name.isupper():
            hint = "Type parameters belong to definitions, which declare them: generics: [T]."
            raise self._refusal(f"names a type parameter {shown(name)} that is not declared", hint)
        if name in ("Block", "Stream"):
            raise self._refusal(f"has {name} inside another type", "Block and Stream only stand outermost, on a port.")
        raise self._refusal(f"names an unknown type {shown(name)}", suggestion(name, [*_SCALARS, *_CONSTRUCTORS]))

    def name(self, expected: str) -> str:
        """Parses a name; `expected` names it in the error."""
        token = self._take()
        if token is None or token.lastindex != 1:
            place = "at its end" if token is None else f"instead of {token[0].strip()}"
            raise self._refusal(f"should have {expected} {place}")
        return token[1]

    def argument(self, constructor: str, depth: int) -> DataType:
        """Parses the type in angle brackets after a constructor."""
        if not self._accept("<"):
            raise self._refusal(f"lacks the item type of {constructor}", f"Write {constructor}<string>, for example.")
        item = self.data_type(depth)
        if not self._accept(">"):
            raise self._refusal("lacks a closing >")
        return item

    def end(self) -> None:
        """Raises TypeSyntaxError unless the whole text was parsed."""
        if self._next < len(self._tokens):
            raise self._refusal(f"has {shown(self._text[self._tokens[self._next].start() :].strip())} after its end")

    def _take(self) -> re.Match[str] | None:
        if self._next == len(self._tokens):
            return None
        self._next += 1
        return self._tokens[self._next - 1]

    def _accept(self, symbol: str) -> bool:
        accepted = self._next < len(self._tokens) and self._tokens[self._next][2] == symbol
        self._next += accepted
        return accepted

    def _refusal(self, why: str, hint: str | None = None) -> TypeSyntaxError:
        return TypeSyntaxError(f"The type {shown(self._text)} {why}.", hint)
