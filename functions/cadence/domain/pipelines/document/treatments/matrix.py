"""Expands matrices: from axes, `include` and `exclude` to combinations, each of which becomes an instance."""

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
"""The value of each axis, in their order, then the values that `include` adds."""


class MatrixError(Exception):
    """Signals a matrix that cannot be used; `key` is the part that is wrong, `size`: the matrix is too large."""

    def __init__(self, message: str, key: tuple[str | int, ...] = (), *, size: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.key = key
        self.size = size


@dataclass(frozen=True, slots=True)
class MatrixInstance:
    """An instance of a treatment with a matrix."""

    name: str
    values: Combination


def axes(matrix: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the names of the axes, in the order written."""
    return tuple(name for name in matrix if name not in _SETTINGS)


def combinations(matrix: Mapping[str, Any]) -> list[Combination]:
    """Returns the combinations of a matrix without expressions, at most `MAX_INSTANCES`. Raises MatrixError.

    The semantics are those of GitHub Actions: `exclude` drops the combinations that have all its values; then each
    entry of `include` is added to the combinations whose axes it does not change, or is a combination of its own if
    there is none.
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
    combined: list[dict[str, Any]] = []
    if names:
        for values in itertools.product(*(matrix[name] for name in names)):
            combination = dict(zip(names, values, strict=True))
            if not excluded.holds(combination):
                combined.append(combination)
    return _included(combined, names, matrix.get("include", ()))


def instances(treatment: str, combined: Iterable[Combination]) -> tuple[MatrixInstance, ...]:
    """Returns the named combinations, `treatment:value1:value2`; equal names are distinguished by `~2` and so on."""
    uses: dict[str, int] = {}
    named = []
    for values in combined:
        parts = [_UNNAMEABLE.sub("-", text_of(value))[:_LONGEST_PART] or "-" for value in values.values()]
        name = ":".join([treatment, *parts[:MAX_AXES]])
        uses[name] = uses.get(name, 0) + 1
        named.append(MatrixInstance(name if uses[name] == 1 else f"{name}~{uses[name]}", values))
    return tuple(named)


def values_key(values: Combination, names: Iterable[str]) -> str:
    """Returns a key that is equal for combinations with equal values of these axes; 1, "1" and true are different."""
    return json.dumps([values.get(name) for name in names], sort_keys=True)


def _check_product(names: Sequence[str], matrix: Mapping[str, Any]) -> None:
    sizes = [len(matrix[name]) for name in names]
    product = math.prod(sizes)
    if product > MOST_BEFORE_EXCLUSION or (product > MAX_INSTANCES and not matrix.get("exclude")):
        factors = " × ".join(f"{size:,}" for size in sizes)
        raise MatrixError(
            f"Its axes have {factors} = {product:,} combinations, {MAX_INSTANCES:,} at most are possible.", size=True
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
        """The number of sets of axes that the entries name."""
        return len(self._by_axes)

    def holds(self, combination: Combination) -> bool:
        """Whether an entry excludes the combination."""
        return any(values_key(combination, names) in keys for names, keys in self._by_axes.items())


def _included(
    combined: list[dict[str, Any]], names: Sequence[str], entries: Iterable[Mapping[str, Any]]
) -> list[Combination]:
    added: list[Combination] = []
    index: dict[tuple[str, ...], dict[str, list[dict[str, Any]]]] = {}
    work = 0
    for entry in entries:
        shared = tuple(name for name in names if name in entry)
        if shared not in index:
            work += len(combined)
            index[shared] = {}
            for combination in combined:
                index[shared].setdefault(values_key(combination, shared), []).append(combination)
        extended = index[shared].get(values_key(entry, shared), [])
        work += len(extended)
        _check_work(work, "include")
        for combination in extended:
            combination.update({name: value for name, value in entry.items() if name not in names})
        if not extended:
            added.append({**{name: entry[name] for name in shared}, **entry})
    total = len(combined) + len(added)
    if total > MAX_INSTANCES:
        raise MatrixError(f"It has {total:,} combinations, {MAX_INSTANCES:,} at most are possible.", size=True)
    return [*combined, *added]
