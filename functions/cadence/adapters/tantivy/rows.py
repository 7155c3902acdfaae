"""Lines as rows: tuples of what is kept of each line, made from segments and from other splits, many at a time."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from cadence.adapters.lines.line_times import Moments
from cadence.domain.logs.log import Segment
from cadence.domain.search.query import FieldName
from cadence.domain.shared.errors import InvalidRequest

# Fields of a line that have a place of their own; all other fields are kept as they are.
_ORIGIN_KEYS = ("treatment", "attempt", "runner", "pool")
_ROW_KEYS = frozenset({"seq", "time", "stream", "level", "text", *_ORIGIN_KEYS})

Origin = tuple[Any, ...]
"""(pipeline, run id, treatment, attempt, runner, pool): what lines from one place have in common."""

# Place in it of each field that it has.
IN_ORIGIN = {
    FieldName.PIPELINE: 0,
    FieldName.RUN: 1,
    FieldName.TREATMENT: 2,
    FieldName.RUNNER: 4,
    FieldName.POOL: 5,
}

Row = tuple[int, str, int, int, int, int, int, int, str, Mapping[str, Any] | None]
"""(moment, run id, segment, position; numbers of origin, level and stream; sequence number less position, text, further
fields).

The moment is in milliseconds since 1970. The first four are the line's place, so rows order as places do.
"""

# Their columns have two bytes for levels and streams.
_MOST_NUMBERS = 1 << 16


class Numbered(dict[Any, int]):
    """Values and their numbers, in the order of their first lookup."""

    def __init__(self, accepted: Callable[[Any], bool]) -> None:
        """Raises ValueError, at a lookup, for a value that is not `accepted`, and for one too many."""
        self._accepted = accepted

    def __missing__(self, value: Any) -> int:
        if not self._accepted(value) or len(self) >= _MOST_NUMBERS:
            raise ValueError(f"{value!r} is not a valid value")
        number = self[value] = len(self)
        return number


class Numbers:
    """What the numbers of a split's rows stand for."""

    def __init__(self) -> None:
        self.origins = Numbered(_is_origin)
        self.levels = Numbered(_is_text)
        self.streams = Numbered(_is_text)


def rows_of_segment(
    segment: Segment, lines: Sequence[Mapping[str, Any]], numbers: Numbers, moments: Moments
) -> Sequence[Row]:
    """Returns the rows. Raises InvalidRequest if one of the lines is no line of a log."""
    run_id, pipeline = segment.run_id, segment.pipeline
    try:
        at = moments.all_of([line["time"] for line in lines])
        texts = [line["text"] for line in lines]
        # Whether they are texts, at once.
        "".join(texts)
        leads = [_integer(line["seq"]) - position for position, line in enumerate(lines)]
        origins = [
            numbers.origins[
                pipeline, run_id, line["treatment"], line["attempt"], line["runner"], line.get("pool")
            ]
            for line in lines
        ]  # fmt: skip
        levels = [numbers.levels[line["level"]] for line in lines]
        streams = [numbers.streams[line["stream"]] for line in lines]
        more = [
            _more(line) if len(line) > len(_ROW_KEYS) - ("pool" not in line) else None for line in lines
        ]  # fmt: skip
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InvalidRequest("Its object does not hold log lines.") from error
    count = len(lines)
    return list(
        zip(
            at, [run_id] * count, [segment.number] * count, range(count),
            origins, levels, streams, leads, texts, more, strict=True,
        )
    )  # fmt: skip


def merged(sources: Sequence[Iterator[Sequence[Row]]]) -> Iterator[Sequence[Row]]:
    """Merges the rows of all sources in order, each of which gives its own in order.

    Holds no more than two pieces of each.
    """
    pending: list[tuple[Sequence[Row], Iterator[Sequence[Row]]]] = [([], source) for source in sources]
    while pending := [(rows, source) for waiting, source in pending if (rows := waiting or next(source, []))]:
        # All further rows of a source come after the last row that it has given.
        bound = min(rows[-1] for rows, _ in pending)
        cut = [bisect_right(rows, bound) for rows, _ in pending]
        yield sorted(row for (rows, _), end in zip(pending, cut, strict=True) for row in rows[:end])
        pending = [(rows[end:], source) for (rows, source), end in zip(pending, cut, strict=True)]


def _integer(number: Any) -> int:
    if type(number) is not int or not 0 <= number < 1 << 62:
        raise ValueError(f"{number!r} is no sequence number")
    return number


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_origin(origin: Origin) -> bool:
    _, _, treatment, attempt, runner, pool = origin
    return _is_text(treatment) and type(attempt) is int and _is_text(runner) and (pool is None or _is_text(pool))


def _more(line: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: value for key, value in line.items() if key not in _ROW_KEYS}
