"""Durations of tests by the place of the tests, as a split of a suite over several instances needs them."""

import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cadence.domain.test_reports.case import CaseOutcome, ReportedCase

MOST_PLACES = 4_000
"""Places whose durations are kept: those that take longest."""
LARGEST_CONTENT = 200_000
"""Bytes of encoded durations, which are kept in an item of a table."""
_LONGEST_PLACE = 300
_UNMEASURED = frozenset({CaseOutcome.SKIPPED})


@dataclass(frozen=True, kw_only=True)
class MeasuredInstance:
    """The durations in seconds that one treatment's report has, by place. `position` orders runs by time."""

    treatment: str
    position: str
    seconds: Mapping[str, float] = field(default_factory=dict)


def measured(cases: Iterable[ReportedCase]) -> Mapping[str, float]:
    """Returns the seconds of tests by the file that the report names, else by their group (class or module).

    The file of a failed test may be where it failed, so that its group counts.
    """
    found: dict[str, float] = {}
    for case in cases:
        if case.outcome in _UNMEASURED:
            continue
        group = case.name.partition("::")[0]
        place = (group if case.outcome.failing else case.file or group)[:_LONGEST_PLACE]
        found[place] = found.get(place, 0.0) + case.seconds
    return _longest(found)


def combined(instances: Iterable[MeasuredInstance]) -> Mapping[str, float]:
    """Returns the durations of all instances together; of a place that several measured, the newest one counts."""
    found: dict[str, float] = {}
    for instance in sorted(instances, key=lambda one: (one.position, one.treatment), reverse=True):
        for place, seconds in instance.seconds.items():
            found.setdefault(place, seconds)
    return _longest(found)


def encode_durations(durations: Mapping[str, float]) -> bytes:
    """Returns durations as compressed JSON of at most `LARGEST_CONTENT` bytes; the shortest are left out beyond it."""
    kept = dict(durations)
    while len(content := _encoded(kept)) > LARGEST_CONTENT:
        kept = dict(sorted(kept.items(), key=_longest_first)[: len(kept) // 2])
    return content


def decode_durations(content: bytes) -> Mapping[str, float]:
    """Returns what `encode_durations` wrote."""
    found: dict[str, float] = json.loads(gzip.decompress(content))
    return found


def _encoded(durations: Mapping[str, float]) -> bytes:
    return gzip.compress(json.dumps(durations, sort_keys=True, separators=(",", ":")).encode(), mtime=0)


def _longest(durations: Mapping[str, float]) -> Mapping[str, float]:
    longest = sorted(durations.items(), key=_longest_first)[:MOST_PLACES]
    return {place: round(seconds, 3) for place, seconds in sorted(longest)}


def _longest_first(item: tuple[str, float]) -> tuple[float, str]:
    return -item[1], item[0]
