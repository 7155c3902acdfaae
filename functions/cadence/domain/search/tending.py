"""Decides when fresh segments become a split, which splits are merged, and when a project's index is looked at next.

Fresh segments are searched at once, each by reading it, so a few of them may wait for more; many would make searching
slow. A split costs a few requests to build; many small ones make searching slow too, so they are merged: each line is
written again about once for every tenfold growth of the split that it is in.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cadence.domain.logs.log import Segment
from cadence.domain.search.split import Split

# Fresh segments are built into a split once there are so many of them, or of their lines, or one is so old.
_MANY_SEGMENTS = 24
_MANY_LINES = 4_000
_OLD = timedelta(hours=1)
# The most that one split is built from: it fits into a Lambda's memory, and the list of segments into an item.
MOST_SEGMENTS = 3_000
MOST_LINES = 500_000

# A split that is as large as this stays as it is.
FULL_LINES = 400_000
FULL_BYTES = 256 << 20
# This many splits of one size class (each ten times the one below) become one.
_MERGED_AT_ONCE = 10
_CLASS = 10
_SMALLEST_CLASS = 10_000
# A merged split spans at most this part of the project's retention, since it is removed with its newest line.
_SPAN_OF_RETENTION = 8
_SHORTEST_SPAN = timedelta(days=1)


@dataclass(frozen=True)
class Look:
    """The work that is due on a project's index, and when to look again (None: not before new lines arrive)."""

    build: bool
    merges: Sequence[Sequence[Split]]
    expired: Sequence[Split]
    next_at: datetime | None


def look(fresh: Sequence[Segment], splits: Iterable[Split], retention: timedelta, now: datetime) -> Look:
    """Returns the work that is due. `fresh` are the segments that no split covers.

    The result depends on the arguments alone, so that any look may be the last.
    """
    live, expired = _by_age(splits, retention, now)
    merges = list(mergeable(live, retention))
    oldest = min((_moment(segment.first_time) for segment in fresh), default=None)
    build = oldest is not None and (
        len(fresh) >= _MANY_SEGMENTS or sum(segment.lines for segment in fresh) >= _MANY_LINES or oldest + _OLD <= now
    )
    due_times = [_moment(split.facts.last_time) + retention for split in live]
    if oldest is not None:
        due_times.append(max(oldest + _OLD, now))
    if merges or expired:
        due_times.append(now)
    return Look(build, merges, expired, min(due_times, default=None))


def batches(
    fresh: Iterable[Segment], most_segments: int = MOST_SEGMENTS, most_lines: int = MOST_LINES
) -> Iterable[Sequence[Segment]]:
    """Returns the segments in batches, oldest first, each for one split unless a lower limit is given."""
    batch: list[Segment] = []
    lines = 0
    for segment in sorted(fresh, key=lambda segment: (segment.first_time, segment.run_id, segment.number)):
        if batch and (len(batch) == most_segments or lines + segment.lines > most_lines):
            yield batch
            batch, lines = [], 0
        batch.append(segment)
        lines += segment.lines
    if batch:
        yield batch


def mergeable(splits: Iterable[Split], retention: timedelta) -> Iterable[Sequence[Split]]:
    """Returns groups of splits to merge into one each: neighbours in time, of one bucket and size class."""
    longest = max(retention / _SPAN_OF_RETENTION, _SHORTEST_SPAN)
    classes: dict[tuple[str | None, int], list[Split]] = {}
    for split in sorted(splits, key=lambda split: (split.facts.first_time, split.split_id)):
        if split.facts.lines < FULL_LINES and split.facts.text_bytes < FULL_BYTES:
            classes.setdefault((split.bucket, _size_class(split.facts.lines)), []).append(split)
    for class_splits in classes.values():
        group: list[Split] = []
        for split in class_splits:
            if group and not _fits(group, split, longest):
                group = []
            group.append(split)
            if len(group) == _MERGED_AT_ONCE or _is_full(group):
                if len(group) > 1:
                    yield group
                group = []


def _size_class(lines: int) -> int:
    size_class, bound = 0, _SMALLEST_CLASS
    while lines >= bound:
        size_class, bound = size_class + 1, bound * _CLASS
    return size_class


def _fits(group: Sequence[Split], split: Split, longest: timedelta) -> bool:
    last = max(member.facts.last_time for member in (*group, split))
    return _moment(last) - _moment(group[0].facts.first_time) <= longest


def _is_full(group: Sequence[Split]) -> bool:
    return (
        sum(member.facts.lines for member in group) >= FULL_LINES
        or sum(member.facts.text_bytes for member in group) >= FULL_BYTES
    )


def _by_age(splits: Iterable[Split], retention: timedelta, now: datetime) -> tuple[list[Split], list[Split]]:
    live: list[Split] = []
    expired: list[Split] = []
    for split in splits:
        (expired if _moment(split.facts.last_time) + retention <= now else live).append(split)
    return live, expired


def _moment(time: str) -> datetime:
    return datetime.fromisoformat(time)
