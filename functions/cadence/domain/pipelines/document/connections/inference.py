"""Solves type parameters: each connection says that two types are equal, and what follows from all of them together."""

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
    """A type parameter that would have to be two things: `known`, as `before` says, and `found`, as `now` says."""

    parameter: Parameterized
    known: DataType
    before: str
    found: DataType
    now: str


@dataclass(slots=True, eq=False)
class _Class:
    """Type parameters that are equal; `bound` is what they are as far as is known, and `said` what told so."""

    members: list[Parameterized]
    bound: DataType | None = None
    said: str = ""


class Inference:
    """Union-find over type parameters.

    Every constructor takes one type, so types are chains: what is equal is followed in loops, however long they are.
    """

    def __init__(self) -> None:
        self._classes: dict[Parameterized, _Class] = {}
        self._solved: dict[_Class, DataType | None] = {}

    def equal(self, one: DataType, other: DataType, of_one: str, of_other: str) -> TypeConflict | bool:
        """Learns that two types are equal; `of_one` and `of_other` say in words where they come from.

        `False` if they differ and no type parameter is to blame.
        """
        conflict: TypeConflict | None = None
        while True:
            if isinstance(one, Parameterized) and isinstance(other, Parameterized):
                both = self._merge(self.class_of(one), self.class_of(other))
                if both is None:
                    return True
                (known, before), (found, now) = both
                conflict = TypeConflict(parameter=one, known=known, before=before, found=found, now=now)
                one, other, of_one, of_other = known, found, before, now
                continue
            if isinstance(other, Parameterized):
                one, other, of_one, of_other = other, one, of_other, of_one
            if isinstance(one, Parameterized):
                its_class = self.class_of(one)
                if its_class.bound is None:
                    its_class.bound, its_class.said = other, of_other
                    return True
                conflict = TypeConflict(
                    parameter=one, known=its_class.bound, before=its_class.said, found=other, now=of_other
                )
                one, of_one = its_class.bound, its_class.said
                continue
            if one == other:
                return True
            if type(one) is not type(other) or not isinstance(one, Option | Vec | Map):
                return conflict or False
            one, other = one.item, other.item  # type: ignore[union-attr]

    def class_of(self, parameter: Parameterized) -> _Class:
        """Makes a type parameter known, so that it is told if nothing says what it is."""
        found = self._classes.get(parameter)
        if found is None:
            found = self._classes[parameter] = _Class([parameter])
        return found

    def solve(self) -> Iterator[tuple[list[Parameterized], str]]:
        """Works out every class; yields those without a type, and why: `unsolved`, `infinite` or `too deep`."""
        for found in dict.fromkeys(self._classes.values()):
            why = self._solve(found)
            if why is not None:
                yield found.members, why

    def type_of(self, data_type: DataType) -> DataType | None:
        """The type with what was found for its type parameter; `None` if that has none."""
        around, inner = _taken_apart(data_type)
        if not isinstance(inner, Parameterized):
            return data_type
        solved = self._solved.get(self.class_of(inner))
        return None if solved is None else _put_together(around, solved)

    def _merge(self, one: _Class, other: _Class) -> "tuple[tuple[DataType, str], tuple[DataType, str]] | None":
        """Makes one class of two. What both were bound to has to be equal as well: it is returned, with who said so."""
        if one is other:
            return None
        if len(one.members) < len(other.members):
            one, other = other, one
        one.members += other.members
        for member in other.members:
            self._classes[member] = one
        if one.bound is None:
            one.bound, one.said = other.bound, other.said
            return None
        return None if other.bound is None else ((one.bound, one.said), (other.bound, other.said))

    def _solve(self, found: _Class) -> str | None:
        """Follows a class to what it comes down to, then works back."""
        chain: list[tuple[_Class, list[Constructor]]] = []
        end: DataType | None = None
        while found not in self._solved:
            self._solved[found] = None
            if found.bound is None:
                if not chain:
                    return "unsolved"
                del self._solved[found]  # only this one is told, in its turn, not all that is made of it
                return None
            around, inner = _taken_apart(found.bound)
            chain.append((found, around))
            if not isinstance(inner, Parameterized):
                end = inner
                break
            found = self.class_of(inner)
        else:
            if any(found is passed for passed, _ in chain):
                return "infinite"
            end = self._solved[found]
        for passed, around in reversed(chain):
            if end is None:
                return None
            if depth(end) + len(around) > DEEPEST:
                return "too deep"
            end = self._solved[passed] = _put_together(around, end)
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
