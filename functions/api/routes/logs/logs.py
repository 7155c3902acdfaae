"""The log of one run: from a cursor, a line or a time on, or back from a cursor."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import Field

from api.endpoint import Call, Endpoints, Model, Reply
from api.routes.logs.line_shapes import LineView, fitting
from api.shapes import TreatmentNames
from cadence.adapters.lines.line_json import line_json
from cadence.application.logs.places import cursor
from cadence.application.logs.ports import Line
from cadence.application.logs.read_logs import line_filter
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.access.audit import AuditKind
from cadence.domain.logs.log import LEVELS, Segment
from cadence.domain.runs.run import Run
from cadence.domain.search.query import Query
from cadence.domain.shared import ids
from cadence.domain.shared.errors import InvalidRequest, Violation

endpoints = Endpoints("logs")

_LEVEL = "|".join(LEVELS)


class NumberedLine(LineView):
    number: int = Field(description="Of the line in its run's log, from 1.")


class LogPage(Model):
    lines: list[NumberedLine]
    after: str = Field(description="The cursor to go on from. It stays the same while nothing new is there.")
    before: str | None = Field(description="The cursor to go back from; null at the log's beginning.")
    more: bool = Field(
        description="Whether there are more lines right now; with `before`, earlier ones. It may be true although there "
        "are no lines here: few match, and one request reads only so much."
    )
    total: int | None = Field(description="How many lines the log has; null unless a place was asked for.")


class LogQuery(Model):
    """At most one of `after`, `before`, `line` and `time` names the place; without them it is the beginning."""

    after: str | None = Field(None, max_length=40)
    before: str | None = Field(
        None, max_length=40, description="A cursor, or `end`: the last lines before it, oldest first."
    )
    line: int | None = Field(None, ge=1, le=10**15, description="From this line on, by its number in the whole log.")
    time: datetime | None = Field(None, description="From the first line of this time on.")
    wait: float = Field(0, ge=0, le=2, description="Seconds to wait for a first line.")
    limit: int = Field(1_000, ge=1, le=2_000)
    treatment: TreatmentNames | None = Field(
        None,
        description="Only lines of this treatment, or of several: names, separated by commas. Those of a group are the "
        "lines of its instances.",
    )
    step: str | None = Field(
        None, min_length=1, max_length=100, description="The name of a step of the treatment, which is one then."
    )
    attempt: int | None = Field(
        None,
        ge=1,
        le=9_999,
        description="Only lines of this attempt of the treatment, which is one then, and no group.",
    )
    level: str | None = Field(
        None,
        pattern=rf"^({_LEVEL})(,({_LEVEL})){{0,3}}$",
        description="Only lines of this level, or of several, separated by commas.",
    )
    grep: str | None = Field(
        None,
        min_length=1,
        max_length=256,
        description="A regular expression, searched in the text.",
    )


@endpoints.add(
    "GET",
    "/v1/runs/{run_id}/logs",
    Permission.LOGS_READ,
    answers={200: LogPage, 304: None},
    errors=(404, 422),
    audit=AuditKind.VALUE,
)
def show_logs(call: Call, services: Services, run_id: str, query: LogQuery) -> Reply:
    """Lists the lines of a run after the cursor, oldest first.

    Gaps, where lines were lost, are listed in filtered answers as well. No place takes longer than another, whatever
    lies before it. A step is one of all attempts, unless one is
    selected.
    """
    run = services.visible.get(call.by, run_id)
    places = [name for name in ("after", "before", "line", "time") if getattr(query, name) is not None]
    if len(places) > 1:
        message = f"Name one place of the log, not {' and '.join(places)}."
        raise InvalidRequest(message, [Violation(name, message) for name in places])
    treatments = _names(query.treatment)
    runner = _runner_of_attempt(run, treatments, query.attempt) if query.attempt else None
    matches = line_filter(treatments, _names(query.level), query.grep, runner)
    step = _number_of_step(services, run, treatments, query.step) if query.step else None
    if query.before is not None:
        return _earlier(services, run, query, query.before, matches, step)
    after = _start(services, run.run_id, query)
    wait = timedelta(seconds=query.wait)
    tail = services.read_logs.tail(run.run_id, after, query.limit, matches, wait, step)
    shown = fitting([line for _, _, line in tail.lines])
    until = tail.after
    if shown < len(tail.lines):
        segment, index, _ = tail.lines[shown - 1]
        until = cursor(segment.number, index + 1)
    more = tail.more or shown < len(tail.lines) or shown == query.limit
    before = None if after is None else _first_cursor(tail.lines) or after
    total = services.read_logs.places.count(run.run_id) if places and query.after is None else None
    return _page(run, tail.lines[:shown], until, before, more=more, total=total)


def _start(services: Services, run_id: str, query: LogQuery) -> str | None:
    """Returns the cursor to begin at; None for the beginning."""
    if query.line is not None:
        return services.read_logs.places.of_line(run_id, query.line)
    if query.time is not None:
        return services.read_logs.places.of_time(run_id, query.time)
    return query.after


def _earlier(services: Services, run: Run, query: LogQuery, before: str, wanted: Query, step: int | None) -> Reply:
    run_id = run.run_id
    end = services.read_logs.places.end(run_id) if before == "end" else before
    found = services.read_logs.earlier(run_id, end, query.limit, wanted, step)
    # The last ones are those that are next to the place.
    shown = fitting([line for _, _, line in reversed(found.lines)])
    lines = found.lines[len(found.lines) - shown :]
    more = found.more or shown < len(found.lines)
    back = (_first_cursor(lines) if shown < len(found.lines) else found.after) if more else None
    return _page(run, lines, end, back, more=more, total=services.read_logs.places.count(run_id))


def _first_cursor(lines: Sequence[tuple[Segment, int, Line]]) -> str | None:
    return cursor(lines[0][0].number, lines[0][1]) if lines else None


def _page(
    run: Run,
    lines: Sequence[tuple[Segment, int, Line]],
    after: str,
    before: str | None,
    *,
    more: bool,
    total: int | None,
) -> Reply:
    shown: list[dict[str, Any]] = [
        line_json(segment, index, line) | {"number": segment.lines_before + index + 1} for segment, index, line in lines
    ]
    before = None if before == cursor(0, 0) else before
    body = json.dumps({"lines": shown, "after": after, "before": before, "more": more, "total": total})
    return Reply(body, lasting=run.state.final)


def _names(text: str | None) -> Sequence[str]:
    return tuple(dict.fromkeys(text.split(","))) if text else ()


def _runner_of_attempt(run: Run, treatments: Sequence[str], attempt: int) -> str:
    """Returns the runner of an attempt of the only treatment. Raises InvalidRequest."""
    treatment = _one(treatments, "An attempt")
    return ids.runner_id(run.run_id, treatment, attempt)


def _one(treatments: Sequence[str], what: str) -> str:
    if len(treatments) != 1:
        problem = "is missing" if not treatments else "is more than one"
        raise InvalidRequest(f"{what} is selected together with its treatment.", [Violation("treatment", problem)])
    return treatments[0]


def _number_of_step(services: Services, run: Run, treatments: Sequence[str], step: str) -> int:
    treatment = _one(treatments, "A step")
    spec, _ = services.debugging.look.context(services.look.read(run), treatment)
    names = [one.name for one in spec.steps]
    if step not in names:
        known = f"It has {', '.join(names)}." if names else "It has no named steps."
        raise InvalidRequest(
            f"Treatment {treatment!r} has no step {step!r}. {known}"[:2_000], [Violation("step", "is none")]
        )
    return names.index(step) + 1
