"""Keeps the logs of runners and projects within their quotas: lines beyond are counted, and their place is marked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import Protocol

from cadence.application.logs.ports import Line, ProjectLogUse
from cadence.application.shared.ports import Clock
from cadence.domain.logs.log import RUNNER_FULL, LogQuota, Watermark, quota_text
from cadence.domain.runs.run import Run

_COUNTED_TOGETHER = 64 << 10
"""Bytes of a project's lines that are counted together, while its quota is not near."""
_NEAR = 1 << 20


class LineLimit(Protocol):
    """Decides which lines are kept."""

    def is_full(self, watermark: Watermark) -> bool:
        """Whether no line of a runner is kept now."""

    def kept(
        self, run: Run, before: Watermark, after: Watermark, lines: Sequence[Line]
    ) -> tuple[Watermark, Sequence[Line]]:
        """Returns the lines that are kept, with a notice where they end, and the watermark after them."""

    def count(self, run: Run, before: Mapping[str, Watermark], after: Sequence[Watermark]) -> None:
        """Counts what was written."""


class NoLimit(LineLimit):
    """Keeps all lines."""

    def is_full(self, watermark: Watermark) -> bool:
        return False

    def kept(
        self, run: Run, before: Watermark, after: Watermark, lines: Sequence[Line]
    ) -> tuple[Watermark, Sequence[Line]]:
        return after, lines

    def count(self, run: Run, before: Mapping[str, Watermark], after: Sequence[Watermark]) -> None:
        pass


NO_LIMIT: LineLimit = NoLimit()


@dataclass(frozen=True)
class LimitLogs(LineLimit):
    """Keeps lines within a quota for each runner, and one for all lines of a project on a day (UTC)."""

    quota: LogQuota
    use: ProjectLogUse
    clock: Clock
    _used: dict[tuple[str, str, str], int] = field(default_factory=dict)
    _uncounted: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def is_full(self, watermark: Watermark) -> bool:
        return not watermark.keeps(self._day())

    def kept(
        self, run: Run, before: Watermark, after: Watermark, lines: Sequence[Line]
    ) -> tuple[Watermark, Sequence[Line]]:
        day = self._day()
        used = self._used_on(run, day) + self._uncounted.get((run.organization, run.project, day), 0)
        size, left_out = before.size, before.left_out
        full: str | None = None
        kept: list[Line] = []
        for line in lines:
            length = len(str(line["text"]).encode())
            if full is None and size + length <= self.quota.runner and used + length <= self.quota.project:
                size, used = size + length, used + length
                kept.append(line)
                continue
            if full is None:
                full = RUNNER_FULL if size + length > self.quota.runner else day
                kept.append(_notice(line, quota_text(self.quota, full)))
            left_out += 1
        return replace(after, size=size, left_out=left_out, full=full), kept

    def count(self, run: Run, before: Mapping[str, Watermark], after: Sequence[Watermark]) -> None:
        """Counts several small batches at once; what is lost with its process lets the project keep a little more."""
        size = sum(mark.size - before.get(mark.runner_id, Watermark(mark.runner_id)).size for mark in after)
        day = self._day()
        key = run.organization, run.project, day
        size += self._uncounted.pop(key, 0)
        if size < _COUNTED_TOGETHER and self._used_on(run, day) + size < self.quota.project - _NEAR:
            self._uncounted[key] = size
        else:
            self._add(run, day, size)

    def _used_on(self, run: Run, day: str) -> int:
        key = run.organization, run.project, day
        return self._used[key] if key in self._used else self._add(run, day, 0)

    def _add(self, run: Run, day: str, size: int) -> int:
        key = run.organization, run.project, day
        self._used[key] = self.use.add(*key, size)
        return self._used[key]

    def _day(self) -> str:
        return f"{self.clock().astimezone(UTC):%Y-%m-%d}"


def _notice(line: Line, text: str) -> Line:
    """Returns the notice in the place of the first line that is not kept."""
    place = {name: value for name, value in line.items() if name not in {"continued", "gap", "track", "step"}}
    return {**place, "stream": "agent", "level": "warning", "text": text}
