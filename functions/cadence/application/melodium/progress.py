"""Which parts come next. Uploads are told of in any order, and some never come: what comes late is taken in all the same."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cadence.application.melodium.intake import ReportPart, ReportParts
from cadence.application.runs.ports import EngineStream

PATIENCE = timedelta(seconds=15)
"""How long the chunks after one that has not come wait for it."""

Gap = tuple[int, int]
"""The first chunk that did not come, and the one behind the last."""


@dataclass
class Progress:
    """Of each source: the chunk before which all are dealt with (`next`), save those that had not come (`missed`) and those
    that are being taken in (`open`)."""

    next: dict[str, int] = field(default_factory=dict)
    missed: dict[str, list[Gap]] = field(default_factory=dict)
    open: dict[str, list[int]] = field(default_factory=dict)

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> "Progress":
        """From what `vars` gave, by way of JSON."""
        missed = {source: [(first, behind) for first, behind in gaps] for source, gaps in stored["missed"].items()}
        return cls(stored["next"], missed, stored["open"])

    def took(self, part: ReportPart) -> None:
        self.open[part.source].remove(part.number)

    def taken(self, source: str) -> int:
        """How many chunks were taken in, or will not be waited for."""
        still_open = self.open.get(source)
        return still_open[0] if still_open else self.next.get(source, 0)

    def extend(self, source: str, told: Collection[int], end: int, gaps: Sequence[Gap]) -> None:
        """Opens those of `told` that come before `end`, or late."""
        begin, missed = self.next.get(source, 0), self.missed.get(source, [])
        late = [number for number in told if any(first <= number < behind for first, behind in missed)]
        for number in late:
            missed = [half for gap in missed for half in _without(number, gap)]
        self.missed[source] = [*missed, *gaps]
        self.open[source] = sorted(
            {*self.open.get(source, ()), *late, *(number for number in told if begin <= number < end)}
        )
        self.next[source] = end


@dataclass(frozen=True)
class Due:
    """`lost` are gaps that nobody waits for any more, from now on; `waits` says that there are parts behind a younger one."""

    parts: Sequence[ReportPart]
    lost: Sequence[Gap]
    waits: bool


def due(parts: ReportParts, run_id: str, stream: EngineStream, progress: Progress, now: datetime) -> Due:
    """Opens them in `progress`; `took` closes each once what became of it is stored."""
    found: list[ReportPart] = []
    lost: list[Gap] = []
    waits = False
    for source, told in sorted(parts.stored(run_id, stream).items()):
        # Not every chunk of another process tells of this one, but each has a part for its own process.
        arrived = told if source == run_id else parts.stored(source, stream, source).get(source, {})
        end, gaps = _reach(progress.next.get(source, 0), arrived, now)
        progress.extend(source, told, end, gaps)
        lost += gaps
        found += [ReportPart(run_id, stream, source, number) for number in progress.open[source]]
        waits = waits or any(number >= end for number in arrived)
    return Due(found, lost, waits)


def _reach(begin: int, arrived: Mapping[int, datetime], now: datetime) -> tuple[int, Sequence[Gap]]:
    """The chunk that is waited for, and the gaps before it."""
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
