"""Solves type parameters from the connections, each of which requires that two types are equal."""

from collections.abc import Iterator
from dataclasses import dataclass

from cadence.domain.pipelines.document.connections.types import (
    DEEPEST,
    DataType,
    Map,
    Option,
    Parameterized,
    Vec,
    depth,
)

Constructor = type[Option] | type[Vec] | type[Map]


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeConflict:
    """A type parameter that would have to be two types: `known`, because of `before`, and `found`, because of `now`."""

    parameter: Parameterized
    known: DataType
    before: str
    found: DataType
    now: str


@dataclass(slots=True, eq=False)
class _Class:
    """Type parameters that are equal; `bound` is their type as far as it is known, `origin` its origin in words."""

    members: list[Parameterized]
    bound: DataType | None = None
    origin: str = ""


class Inference:
    """Union-find over type parameters.

    Every constructor takes one type, so that types are chains. Chains are followed in loops, however long they are.
    """

    def __init__(self) -> None:
        self._classes: dict[Parameterized, _Class] = {}
        self._solved: dict[_Class, DataType | None] = {}

    def equal(self, one: DataType, other: DataType, of_one: str, of_other: str) -> TypeConflict | bool:
        """Adds that two types are equal; `of_one` and `of_other` are their origins in words.

        Returns True if that is possible, the conflict of a type parameter if not, and False if they differ without one.
        """
        conflict: TypeConflict | None = None
        while True:
            if isinstance(one, Parameterized) and isinstance(other, Parameterized):
                bounds = self._merge(self.class_of(one), self.class_of(other))
                if bounds is None:
                    return True
                (known, before), (found, now) = bounds
                conflict = TypeConflict(parameter=one, known=known, before=before, found=found, now=now)
                one, other, of_one, of_other = known, found, before, now
                continue
            if isinstance(other, Parameterized):
                one, other, of_one, of_other = other, one, of_other, of_one
            if isinstance(one, Parameterized):
                parameter_class = self.class_of(one)
                if parameter_class.bound is None:
                    parameter_class.bound, parameter_class.origin = other, of_other
                    return True
                conflict = TypeConflict(
                    parameter=one, known=parameter_class.bound, before=parameter_class.origin, found=other, now=of_other
                )
                one, of_one = parameter_class.bound, parameter_class.origin
                continue
            if one == other:
                return True
            if type(one) is not type(other) or not isinstance(one, Option | Vec | Map):
                return conflict or False
            one, other = one.item, other.item  # type: ignore[union-attr]

    def class_of(self, parameter: Parameterized) -> _Class:
        """Returns the class of a type parameter; a new one is reported as unsolved if no connection determines it."""
        known = self._classes.get(parameter)
        if known is None:
            known = self._classes[parameter] = _Class([parameter])
        return known

    def solve(self) -> Iterator[tuple[list[Parameterized], str]]:
        """Solves every class; yields those without a type, and why: `unsolved`, `infinite` or `too deep`."""
        for current in dict.fromkeys(self._classes.values()):
            reason = self._solve(current)
            if reason is not None:
                yield current.members, reason

    def type_of(self, data_type: DataType) -> DataType | None:
        """Returns the type with its type parameter replaced; `None` if that is unsolved."""
        around, inner = _taken_apart(data_type)
        if not isinstance(inner, Parameterized):
            return data_type
        solved = self._solved.get(self.class_of(inner))
        return None if solved is None else _put_together(around, solved)

    def _merge(self, one: _Class, other: _Class) -> "tuple[tuple[DataType, str], tuple[DataType, str]] | None":
        """Unites two classes.

        If both were bound, returns both types, which have to be equal too, with their origins.
        """
        if one is other:
            return None
        if len(one.members) < len(other.members):
            one, other = other, one
        one.members += other.members
        for member in other.members:
            self._classes[member] = one
        if one.bound is None:
            one.bound, one.origin = other.bound, other.origin
            return None
        return None if other.bound is None else ((one.bound, one.origin), (other.bound, other.origin))

    def _solve(self, current: _Class) -> str | None:
        """Solves a class: follows its chain to the end, then replaces backwards. Returns the reason if it fails."""
        chain: list[tuple[_Class, list[Constructor]]] = []
        end: DataType | None = None
        while current not in self._solved:
            self._solved[current] = None
            if current.bound is None:
                if not chain:
                    return "unsolved"
                del self._solved[current]  # only this class is reported, in its turn, not all types that contain it
                return None
            around, inner = _taken_apart(current.bound)
            chain.append((current, around))
            if not isinstance(inner, Parameterized):
                end = inner
                break
            current = self.class_of(inner)
        else:
            if any(current is earlier for earlier, _ in chain):
                return "infinite"
            end = self._solved[current]
        for earlier, around in reversed(chain):
            if end is None:
                return None
            if depth(end) + len(around) > DEEPEST:
                return "too deep"
            end = self._solved[earlier] = _put_together(around, end)
        return None


def _taken_apart(data_type: DataType) -> tuple[list[Constructor], DataType]:
    around: list[Constructor] = []
    while isinstance(data_type, Option | Vec | Map):
        around.append(type(data_type))
        data_type = data_type.item
    return around, data_type


def _put_together(around: list[Constructor], inner: DataType) -> DataType:
    for constructor in reversed(around):
        inner = constructor(inner)
    return inner
