"""Shapes of log lines."""

from collections.abc import Sequence

from pydantic import Field

from api.endpoint import Model
from cadence.application.logs.ports import Line

# A Lambda answers at most 6 MB, and JSON may take two bytes for one.
LARGEST_PAGE = 1_000_000  # characters


class LineView(Model):
    """`gap` marks lines that were lost: the first and last missing sequence numbers.

    `continued`: the next line belongs to the same text. `segment` and `index` (from 0) are the line's place in its
    run's log.
    """

    project: str
    pipeline: str
    run: str
    treatment: str
    attempt: int
    runner: str
    pool: str | None
    seq: int
    time: str
    stream: str
    level: str
    text: str
    continued: bool
    track: int | None = Field(description="Of an engine's line.")
    step: int | None = Field(description="The number of the treatment's step that wrote it, from 1.")
    gap: dict[str, int] | None
    segment: int
    index: int


class FoundPage(Model):
    lines: list[LineView] = Field(description="Newest first.")
    next: str | None = Field(
        description="The cursor of the next page, null at the end. It may be there although `lines` holds fewer than "
        "asked for, or none: then there was more to look at than one request allows."
    )
    reached: str | None = Field(
        description="The time down to which everything has been looked at; null: at all there is."
    )


class CountView(Model):
    field: str | None = Field(description="The field that it is counted by; null if not counted by a field.")
    start: str | None = Field(description="The beginning of the interval; null if not counted by time.")
    value: str | None = Field(description="The field's value; null if not counted by a field.")
    lines: int


class CountsView(Model):
    counts: list[CountView] = Field(
        description="Without zeros; of each interval the 100 values with the most lines, these first."
    )
    complete: bool = Field(
        description="False: there was more to look at than one request allows, and each count is a lower bound."
    )


class LivePageView(Model):
    lines: list[LineView] = Field(
        description="In the order in which they came, and by time among those that came together."
    )
    after: str = Field(description="The cursor to continue from. No line comes twice, and none is left out.")
    more: bool = Field(description="Whether there are more lines right now.")


class LiveAddress(Model):
    url: str = Field(description="A WebSocket's address; if it has no scheme, relative to that of this API.")


def fitting(lines: Sequence[Line]) -> int:
    """Returns how many lines from the start fit into one answer, at least one."""
    total = 0
    for count, line in enumerate(lines):
        total += len(line["text"])
        if total > LARGEST_PAGE and count:
            return count
    return len(lines)
