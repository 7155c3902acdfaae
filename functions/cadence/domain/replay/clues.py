"""Finds out why two texts differ: each side's words of a kind are taken out, until both are equal."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cadence.domain.replay.moments import Stretch, moments


class Clue(StrEnum):
    """The kind of the differing words."""

    MOMENT = "moment"  # a moment of each side's own time
    DURATION = "duration"
    PLACE = "place"  # the working directory or the machine
    UUID = "uuid"
    TOKEN = "token"  # noqa: S105 - a long run of hexadecimal digits


_WORKSPACE = re.compile(r"(?<![\w./-])[\w./-]*cadence-[0-9A-Za-z]{26}-[0-9a-f]{12}-\d+(?:-\w+)+")
_DURATION = re.compile(
    r"(?<![\w.])\d+(?:\.\d+)?\s?(?:s|sec|secs|seconds?|ms|milliseconds?|us|µs|ns|min|minutes?)(?!\w)"
)
_UUID = re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![0-9a-fA-F])")
_TOKEN = re.compile(r"(?<![0-9A-Za-z])(?=[0-9a-fA-F]*\d)[0-9a-fA-F]{16,}(?![0-9A-Za-z])")


@dataclass(frozen=True)
class ExecutionSite:
    """One of the two executions: when it ran and on which machine."""

    ran: Stretch
    host: str | None = None


@dataclass(frozen=True)
class ClueMatch:
    """A kind of words that differ. `then` and `now` are the first that do."""

    clue: Clue
    then: str
    now: str


@dataclass(frozen=True)
class OutputClues:
    """The kinds of words that differ in an output; it is `explained` if nothing else differs in any of the pairs."""

    findings: Sequence[ClueMatch]
    explained: bool

    def has(self, *clues: Clue) -> ClueMatch | None:
        """Returns the first finding of one of these kinds, or None."""
        return next((finding for finding in self.findings if finding.clue in clues), None)


def read(pairs: Sequence[tuple[str, str]], then: ExecutionSite, now: ExecutionSite) -> OutputClues:
    """Returns the clues in lines that differ, each given with the line in its place on the other side."""
    findings: dict[Clue, ClueMatch] = {}
    explained = bool(pairs)
    for old, new in pairs:
        for clue in Clue:
            if old == new:
                break
            old, was = _without(clue, old, then)
            new, became = _without(clue, new, now)
            if len(was) == len(became):
                differing = [(left, right) for left, right in zip(was, became, strict=True) if left != right]
                if differing:
                    findings.setdefault(clue, ClueMatch(clue, *differing[0]))
        explained = explained and old == new
    return OutputClues(tuple(findings.values()), explained)


def _without(clue: Clue, text: str, side: ExecutionSite) -> tuple[str, list[str]]:
    """Returns the text with its words of this kind replaced by a placeholder, and those words."""
    if clue is Clue.MOMENT:
        return _without_moments(text, side)
    taken: list[str] = []

    def take(match: re.Match[str]) -> str:
        taken.append(match[0])
        return f"<{clue}>"

    for pattern in _PATTERNS[clue](side):
        text = pattern.sub(take, text)
    return text, taken


def _without_moments(text: str, side: ExecutionSite) -> tuple[str, list[str]]:
    pieces, taken, at = [], [], 0
    for begin, end, moment in moments(text):
        if moment.within(side.ran):
            pieces.append(text[at:begin])
            taken.append(moment.text)
            at = end
    return f"<{Clue.MOMENT}>".join([*pieces, text[at:]]), taken


def _of_places(side: ExecutionSite) -> list[re.Pattern[str]]:
    own = re.compile(rf"(?<!\w){re.escape(side.host)}(?!\w)") if side.host else None
    return [_WORKSPACE, *([own] if own else [])]


_PATTERNS: dict[Clue, Callable[[ExecutionSite], Sequence[re.Pattern[str]]]] = {
    Clue.DURATION: lambda side: (_DURATION,),
    Clue.PLACE: _of_places,
    Clue.UUID: lambda side: (_UUID,),
    Clue.TOKEN: lambda side: (_TOKEN,),
}
