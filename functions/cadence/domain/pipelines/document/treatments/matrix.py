"""Matrices: from axes, `include` and `exclude` to the combinations that each become an instance of the treatment."""

import itertools
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cadence.domain.pipelines.expression import text_of

MAX_INSTANCES = 1_000
MAX_AXES = 10
MOST_BEFORE_EXCLUSION = 10_000
_MOST_COMPARISONS = 50_000
"""Of combinations with the sets of axes that entries of `exclude` or `include` name: what bounds the time a matrix
takes."""
_SETTINGS = frozenset({"include", "exclude", "fail_fast", "max_parallel"})
_UNNAMEABLE = re.compile(r"[^A-Za-z0-9._+-]")
_LONGEST_PART = 40

Combination = Mapping[str, Any]
"""The value of each axis, in their order, then what `include` adds."""


class MatrixError(Exception):
    """The matrix cannot be used, in words; `key` is its part that is wrong, `size` tells that it is too large."""

    def __init__(self, message: str, key: tuple[str | int, ...] = (), *, size: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.key = key
        self.size = size


@dataclass(frozen=True, slots=True)
class MatrixInstance:
    name: str
    values: Combination


def axes(matrix: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the axes, in the order written."""
    return tuple(name for name in matrix if name not in _SETTINGS)


def combinations(matrix: Mapping[str, Any]) -> list[Combination]:
    """The combinations of a matrix without expressions, at most `MAX_INSTANCES`. Raises MatrixError.

    As with GitHub Actions: `exclude` drops the combinations that have all its values; then each entry of `include` is
    added to the combinations whose axes it does not change, or is a combination of its own if there is none.
    """
    names = axes(matrix)
    if len(names) > MAX_AXES:
        raise MatrixError(f"It has {len(names)} axes, {MAX_AXES} at most are possible.", size=True)
    for name in names:
        if not isinstance(matrix[name], list):
            raise MatrixError(f"The axis {name} is no list.", (name,))
    _check_product(names, matrix)
    excluded = _Excluded(matrix.get("exclude", ()))
    _check_work(math.prod(len(matrix[name]) for name in names) * excluded.kinds, "exclude")
    found: list[dict[str, Any]] = []
    if names:
        for values in itertools.product(*(matrix[name] for name in names)):
            combination = dict(zip(names, values, strict=True))
            if not excluded.holds(combination):
                found.append(combination)
    return _included(found, names, matrix.get("include", ()))


def instances(treatment: str, found: Iterable[Combination]) -> tuple[MatrixInstance, ...]:
    """The combinations with their names, `treatment:value1:value2`; equal names are told apart by `~2` and so on."""
    taken: dict[str, int] = {}
    named = []
    for values in found:
        parts = [_UNNAMEABLE.sub("-", text_of(value))[:_LONGEST_PART] or "-" for value in values.values()]
        name = ":".join([treatment, *parts[:MAX_AXES]])
        taken[name] = taken.get(name, 0) + 1
        named.append(MatrixInstance(name if taken[name] == 1 else f"{name}~{taken[name]}", values))
    return tuple(named)


def values_key(values: Combination, names: Iterable[str]) -> str:
    """Equal for combinations with equal values of these axes; 1, "1" and true are different."""
    return json.dumps([values.get(name) for name in names], sort_keys=True)


def _check_product(names: Sequence[str], matrix: Mapping[str, Any]) -> None:
    sizes = [len(matrix[name]) for name in names]
    product = math.prod(sizes)
    if product > MOST_BEFORE_EXCLUSION or (product > MAX_INSTANCES and not matrix.get("exclude")):
        told = " × ".join(f"{size:,}" for size in sizes)
        raise MatrixError(
            f"Its axes have {told} = {product:,} combinations, {MAX_INSTANCES:,} at most are possible.", size=True
        )


def _check_work(comparisons: int, key: str) -> None:
    if comparisons > _MOST_COMPARISONS:
        raise MatrixError(
            f"Its combinations and the entries of {key} would need {comparisons:,} comparisons, "
            f"{_MOST_COMPARISONS:,} at most are possible.",
            (key,),
            size=True,
        )


class _Excluded:
    """Looks combinations up by the values of each set of axes that some entry of `exclude` names."""

    def __init__(self, entries: Iterable[Mapping[str, Any]]) -> None:
        self._by_axes: dict[tuple[str, ...], set[str]] = {}
        for entry in entries:
            names = tuple(sorted(entry))
            self._by_axes.setdefault(names, set()).add(values_key(entry, names))

    @property
    def kinds(self) -> int:
        """How many sets of axes the entries name."""
        return len(self._by_axes)

    def holds(self, combination: Combination) -> bool:
        return any(values_key(combination, names) in keys for names, keys in self._by_axes.items())


def _included(
    found: list[dict[str, Any]], names: Sequence[str], entries: Iterable[Mapping[str, Any]]
) -> list[Combination]:
    added: list[Combination] = []
    index: dict[tuple[str, ...], dict[str, list[dict[str, Any]]]] = {}
    work = 0
    for entry in entries:
        shared = tuple(name for name in names if name in entry)
        if shared not in index:
            work += len(found)
            index[shared] = {}
            for one in found:
                index[shared].setdefault(values_key(one, shared), []).append(one)
        extended = index[shared].get(values_key(entry, shared), [])
        work += len(extended)
        _check_work(work, "include")
        for one in extended:
            one.update({name: value for name, value in entry.items() if name not in names})
        if not extended:
            added.append({**{name: entry[name] for name in shared}, **entry})
    total = len(found) + len(added)
    if total > MAX_INSTANCES:
        raise MatrixError(f"It has {total:,} combinations, {MAX_INSTANCES:,} at most are possible.", size=True)
    return [*found, *added]
