"""Decides which parts of a process are taken in next.

Uploads are announced in any order, and some never come; those that come late are taken in all the same.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cadence.application.melodium.intake import ReportPart, ReportParts
from cadence.application.runs.ports import EngineStream

PATIENCE = timedelta(seconds=15)
"""How long later chunks wait for one that has not come."""

Gap = tuple[int, int]
"""The number of the first chunk that did not come, and the number after the last."""


@dataclass
class Progress:
    """The progress of each source: all chunks before `next` are done, except those in `missed` and in `open`.

    `missed` had not come in time; `open` are being taken in.
    """

    next: dict[str, int] = field(default_factory=dict)
    missed: dict[str, list[Gap]] = field(default_factory=dict)
    open: dict[str, list[int]] = field(default_factory=dict)

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> "Progress":
        """Reads the JSON of an instance's `vars`."""
        missed = {source: [(first, behind) for first, behind in gaps] for source, gaps in stored["missed"].items()}
        return cls(stored["next"], missed, stored["open"])

    def took(self, part: ReportPart) -> None:
        """Closes a part whose content is stored."""
        self.open[part.source].remove(part.number)

    def taken(self, source: str) -> int:
        """Returns how many chunks were taken in, or are not waited for any more."""
        still_open = self.open.get(source)
        return still_open[0] if still_open else self.next.get(source, 0)

    def extend(self, source: str, stored: Collection[int], end: int, gaps: Sequence[Gap]) -> None:
        """Opens those of the `stored` chunks that are before `end`, or late."""
        begin, missed = self.next.get(source, 0), self.missed.get(source, [])
        late = [number for number in stored if any(first <= number < behind for first, behind in missed)]
        for number in late:
            missed = [half for gap in missed for half in _without(number, gap)]
        self.missed[source] = [*missed, *gaps]
        self.open[source] = sorted(
            {*self.open.get(source, ()), *late, *(number for number in stored if begin <= number < end)}
        )
        self.next[source] = end


@dataclass(frozen=True)
class Due:
    """The parts to take in now.

    `lost` are gaps that are given up from now on; `waits` states that there are parts behind a gap that is waited for.
    """

    parts: Sequence[ReportPart]
    lost: Sequence[Gap]
    waits: bool


def due(parts: ReportParts, run_id: str, stream: EngineStream, progress: Progress, now: datetime) -> Due:
    """Returns the parts to take in now, and opens them in `progress`; `took` closes each once its content is stored."""
    opened: list[ReportPart] = []
    lost: list[Gap] = []
    waits = False
    for source, stored in sorted(parts.stored(run_id, stream).items()):
        # Not every chunk of another process reports this one, but each has a part for its own process.
        arrived = stored if source == run_id else parts.stored(source, stream, source).get(source, {})
        end, gaps = _reach(progress.next.get(source, 0), arrived, now)
        progress.extend(source, stored, end, gaps)
        lost += gaps
        opened += [ReportPart(run_id, stream, source, number) for number in progress.open[source]]
        waits = waits or any(number >= end for number in arrived)
    return Due(opened, lost, waits)


def _reach(begin: int, arrived: Mapping[int, datetime], now: datetime) -> tuple[int, Sequence[Gap]]:
    """Returns the chunk that is waited for, and the gaps before it."""
    end, gaps = begin, list[Gap]()
    for number in sorted(number for number in arrived if number >= begin):
        if number > end:
            if now - arrived[number] < PATIENCE:
                break
            gaps.append((end, number))
        end = number + 1
    return end, gaps


def _without(number: int, gap: Gap) -> Sequence[Gap]:
    first, behind = gap
    if not first <= number < behind:
        return [gap]
    return [half for half in ((first, number), (number + 1, behind)) if half[0] < half[1]]
