"""Splits: immutable parts of a project's full-text index, each derived from segments of its runs' logs.

Every segment is at any time either *fresh* or covered by exactly one split, so every line is found exactly once.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from cadence.domain.logs.log import Segment
from cadence.domain.search.query import FieldName
from cadence.domain.shared.ids import bucket_and_key

# More values of one field than this prune little, and every search would read them all.
MOST_FACTS = 64

Covered = Mapping[str, Sequence[tuple[int, int]]]
"""Segments by run id: ranges of their numbers, both ends included, in order, none touching the next."""


class SplitLine(NamedTuple):
    """A line with its place; such tuples order as places do, and no two of them are at one place."""

    time: str
    run_id: str
    segment: int
    position: int
    pipeline: str
    line: Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class SplitFacts:
    """The facts about a split's lines that are known without reading them. Sizes are bytes.

    `text_bytes` is (nearly) the size of the lines' texts, `head_bytes` how much of the object's start says which words
    are in it. `values` are all values of the fields that have few.
    """

    first_time: str
    last_time: str
    lines: int
    text_bytes: int
    size: int
    head_bytes: int
    values: Mapping[FieldName, Collection[str]]


@dataclass(frozen=True, kw_only=True)
class Split:
    """A split of a project.

    `covered` are the segments whose lines are in it, while one of them may still be listed as fresh.
    """

    organization: str
    project: str
    split_id: str
    key: str
    built_at: datetime
    facts: SplitFacts
    covered: Covered

    @property
    def bucket(self) -> str | None:
        """The bucket in which its lines are kept; None for the installation's own."""
        return bucket_and_key(self.key)[0]


def covering(segments: Iterable[Segment]) -> Covered:
    """Returns the segments as covered ranges."""
    numbers: dict[str, list[int]] = {}
    for segment in segments:
        numbers.setdefault(segment.run_id, []).append(segment.number)
    return {run_id: _ranges((number, number) for number in run_numbers) for run_id, run_numbers in numbers.items()}


def merged_covering(parts: Iterable[Covered]) -> Covered:
    """Returns the union of covered ranges."""
    together: dict[str, list[tuple[int, int]]] = {}
    for part in parts:
        for run_id, ranges in part.items():
            together.setdefault(run_id, []).extend(ranges)
    return {run_id: _ranges(ranges) for run_id, ranges in together.items()}


def is_covered(segment: Segment, splits: Iterable[Split]) -> bool:
    """Returns whether one of the splits covers the segment."""
    return any(
        first <= segment.number <= last for split in splits for first, last in split.covered.get(segment.run_id, ())
    )


def _ranges(unordered: Iterable[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    for first, last in sorted(unordered):
        if ranges and first <= ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], max(last, ranges[-1][1]))
        else:
            ranges.append((first, last))
    return ranges
