"""The stored form of log lines: per run in numbered segments, each line once, with marks where lines are missing."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cadence.domain.shared.ids import bucket_and_key

# Ranges of missing lines that a watermark remembers; beyond that the oldest are dropped (they stay shown as missing).
_MOST_GAPS = 100

RUNNER_FULL = "runner"
"""The runner's own quota is reached: no further line of it is kept."""

LEVEL_WORDS = {
    **dict.fromkeys(("error", "err", "fatal", "critical", "panic", "severe"), "error"),
    **dict.fromkeys(("warn", "warning"), "warning"),
    **dict.fromkeys(("info", "notice"), "info"),
    **dict.fromkeys(("debug", "trace"), "debug"),
}
"""The levels of lines, by the words with which programs name them."""
LEVELS = tuple(dict.fromkeys(LEVEL_WORDS.values()))
"""The levels of lines, the gravest first."""
_TRACEBACK = "Traceback (most recent call last)"
# A level is stated by the first word, preceded at most by a time, if it is in brackets, in capitals or before a colon;
# or by level=… anywhere.
_FIRST_WORD = re.compile(r"[\d\s:.,TZ+/-]{0,40}(?P<bracket>[\[(<]\s*)?(?P<word>[A-Za-z]{3,8})\b(?P<colon>:)?")
# What a text has in which the next one can match.
_FIELD_NAME = "level"
_FIELD = re.compile(r"""\blevel["']?\s*[=:]\s*["']?(?P<word>[A-Za-z]{3,8})\b""")


@dataclass(frozen=True)
class Gap:
    """Lines `first` to `last` of a runner that were never received."""

    first: int
    last: int


@dataclass(frozen=True)
class LogQuota:
    """How many bytes of text are kept: of the lines of one runner, and of a project's lines within a day (UTC)."""

    runner: int
    project: int


@dataclass(frozen=True)
class Watermark:
    """The progress of writing one runner's lines: all up to `through` are written, except those in `gaps`.

    `size` is the bytes of text that were kept. `full` is set while lines are not kept: to `RUNNER_FULL` for good, or to
    the day (`2026-11-30`) on which the project's quota was reached. `left_out` counts lines that were not kept up to
    `through`; later ones are not counted here, as nothing is written for them.
    """

    runner_id: str
    through: int = 0
    gaps: tuple[Gap, ...] = ()
    size: int = 0
    full: str | None = None
    left_out: int = 0

    def left_out_of(self, sent: int) -> int:
        """How many of a runner's `sent` lines were not kept because of a quota."""
        return self.left_out + (max(0, sent - self.through) if self.full else 0)

    def keeps(self, day: str) -> bool:
        """Whether lines that arrive on a day are kept."""
        return self.full not in (RUNNER_FULL, day)

    def take(self, numbers: Iterable[int]) -> "tuple[Watermark, frozenset[int], Sequence[Gap]]":
        """Returns the watermark after `numbers` are written, the new ones of them, and the gaps that these open."""
        through, gaps = self.through, list(self.gaps)
        listed = sorted(set(numbers))
        if listed and listed[0] == through + 1 and listed[-1] == through + len(listed):
            # The usual case, at once: they follow on what is written.
            return replace(self, through=listed[-1]), frozenset(listed), []
        new: set[int] = set()
        opened: list[Gap] = []
        for number in listed:
            if number > through:
                if number > through + 1:
                    opened.append(Gap(through + 1, number - 1))
                    gaps.append(opened[-1])
                through = number
                new.add(number)
            elif any(gap.first <= number <= gap.last for gap in gaps):
                gaps = [part for gap in gaps for part in _without(gap, number)]
                new.add(number)
        return replace(self, through=through, gaps=tuple(gaps[-_MOST_GAPS:])), frozenset(new), opened


@dataclass(frozen=True, kw_only=True)
class Segment:
    """The facts about one segment that are known without reading it. Times are RFC 3339 in UTC, as in the lines.

    `key` is the address of its object (`ids.in_bucket`).
    """

    organization: str
    project: str
    pipeline: str
    run_id: str
    number: int
    key: str
    first_time: str
    last_time: str
    lines: int
    treatments: tuple[str, ...]
    levels: tuple[str, ...]
    written_at: str | None = field(default=None, compare=False)
    """When it became part of its run's log; None before that."""
    lines_before: int = field(default=0, compare=False)
    """How many lines its run's log has before it. It is kept with the log, not in the search index."""

    @property
    def bucket(self) -> str | None:
        """The bucket of the pool whose runners sent its lines; None for the installation's own."""
        return bucket_and_key(self.key)[0]


def detected_level(level: str, text: str) -> str:
    """Returns the level that `text` states by the usual marks (`ERROR …`, `[warn]`, `level=debug`), else `level`."""
    if text.startswith(_TRACEBACK):
        return "error"
    start = text[:512]
    first = _FIRST_WORD.match(start)
    if first and (first["bracket"] or first["colon"] or first["word"].isupper()):
        stated = LEVEL_WORDS.get(first["word"].lower())
        if stated:
            return stated
    if _FIELD_NAME not in start:
        return level
    field = _FIELD.search(start)
    return LEVEL_WORDS.get(field["word"].lower(), level) if field else level


def gap_line(gap: Gap, time: str, runner_id: str, treatment: str, attempt: int) -> dict[str, Any]:
    """Returns the line that is shown where lines are missing."""
    missing = gap.last - gap.first + 1
    return {
        "seq": gap.first,
        "time": time,
        "runner": runner_id,
        "treatment": treatment,
        "attempt": attempt,
        "stream": "agent",
        "level": "warning",
        "text": f"{missing} {'line is' if missing == 1 else 'lines are'} missing here",
        "gap": {"first": gap.first, "last": gap.last},
    }


def quota_text(quota: LogQuota, full: str) -> str:
    """Returns the text of the line at which lines are no longer kept."""
    if full == RUNNER_FULL:
        return (
            f"The log quota of {quota.runner >> 20} MiB for one attempt is reached: the command goes on, but its further "
            "lines are counted and not kept. Write less, or write to a file that is an output. The quota "
            "is set at the deployment (log_mebibytes)."
        )
    return (
        f"The log quota of {quota.project >> 20} MiB a day for all runs of this project is reached: the command goes on, "
        f"but further lines are counted and not kept until the day ends ({full}, UTC). Write less. The quota is set at "
        "the deployment (project_log_mebibytes)."
    )


def _without(gap: Gap, number: int) -> Iterable[Gap]:
    if not gap.first <= number <= gap.last:
        yield gap
        return
    if gap.first < number:
        yield Gap(gap.first, number - 1)
    if number < gap.last:
        yield Gap(number + 1, gap.last)
