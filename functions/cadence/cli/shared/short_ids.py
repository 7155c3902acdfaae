"""Shortens ids of runs to their ends: ids begin with the time, so those of one minute's schedules begin alike."""

from collections.abc import Iterable, Mapping
from itertools import takewhile
from operator import eq

SHORTEST = 4
"""Letters of the shortest part of an id that commands take for one."""


def unique_endings(run_ids: Iterable[str]) -> Mapping[str, str]:
    """Returns for each id its shortest end, of at least four letters, with which none of the other ids ends."""
    turned = sorted({run_id[::-1] for run_id in run_ids})
    found = {}
    for before, one, after in zip(["", *turned], turned, [*turned[1:], ""], strict=False):
        shared = max(_common(one, before), _common(one, after))
        found[one[::-1]] = one[: max(SHORTEST, shared + 1)][::-1]
    return found


def _common(one: str, other: str) -> int:
    """The number of letters with which both begin."""
    return sum(1 for _ in takewhile(bool, map(eq, one, other)))
