"""Logs: one run from a cursor on, or the newest runs for a text."""

import json
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from pydantic import Field

from api.endpoint import Call, Endpoints, Model, Reply
from api.shapes import Name, TreatmentName
from cadence.application.log_ports import Line
from cadence.application.read_logs import LineFilter
from cadence.composition.api import Services
from cadence.domain.access import Permission

endpoints = Endpoints("logs")

_SEARCHED_RUNS = 100
# A Lambda answers at most 6 MB, and JSON may take two bytes for one.
_LARGEST_PAGE = 1_000_000  # characters


class LineView(Model):
    """`gap` tells of lines that were lost: the first and last missing sequence numbers. `continued`: the next line goes on with it."""

    run: str
    treatment: str
    attempt: int
    runner: str
    seq: int
    time: str
    stream: str
    level: str
    text: str
    continued: bool
    gap: dict[str, int] | None


class LogPage(Model):
    lines: list[LineView]
    after: str = Field(description="The cursor to go on from. It stays the same while nothing new is there.")
    more: bool = Field(description="Whether there are more lines right now.")


class FoundLines(Model):
    lines: list[LineView]
    complete: bool = Field(description="False if there was more to look at than one request allows.")


class LogQuery(Model):
    after: str | None = Field(None, max_length=40)
    wait: float = Field(0, ge=0, le=2, description="Seconds to wait for a first line.")
    limit: int = Field(1_000, ge=1, le=2_000)
    treatment: TreatmentName | None = None
    level: str | None = Field(None, max_length=20)
    grep: str | None = Field(
        None,
        min_length=1,
        max_length=256,
        description="A regular expression, searched in the text.",
    )


class SearchQuery(Model):
    q: str = Field(min_length=1, max_length=256, description="Text to look for, as it stands.")
    project: Name | None = None
    treatment: TreatmentName | None = None
    level: str | None = Field(None, max_length=20)
    since: int | None = Field(None, ge=1, le=31_536_000, description="Only lines of the last so many seconds.")
    limit: int = Field(100, ge=1, le=1_000)


@endpoints.add(
    "GET",
    "/v1/runs/{run_id}/logs",
    Permission.LOGS_READ,
    answers={200: LogPage},
    errors=(404, 422),
)
def show_logs(call: Call, services: Services, run_id: str, query: LogQuery) -> Reply:
    """The lines of a run after the cursor, oldest first."""
    run = services.visible.get(call.by, run_id)
    wanted = LineFilter(treatment=query.treatment, level=query.level, grep=query.grep)
    tail = services.read_logs.tail(run.run_id, query.after, query.limit, wanted, timedelta(seconds=query.wait))
    lines = _fitting(tail.lines)
    cut = len(lines) < len(tail.lines)
    page = {
        "lines": [_line(run.run_id, line) for line in lines],
        "after": lines[-1]["cursor"] if cut else tail.after,
        "more": cut or len(lines) == query.limit,
    }
    return Reply(json.dumps(page))


@endpoints.add(
    "GET",
    "/v1/logs",
    Permission.LOGS_READ,
    answers={200: FoundLines},
    errors=(404, 422),
)
def search_logs(call: Call, services: Services, query: SearchQuery) -> Reply:
    """Lines with a text among the newest 100 runs that the token sees, newest first."""
    runs = services.visible.page(call.by, _SEARCHED_RUNS, project=query.project).items
    wanted = LineFilter(treatment=query.treatment, level=query.level, grep=re.escape(query.q))
    since = services.clock() - timedelta(seconds=query.since) if query.since else None
    found = services.read_logs.search([run.run_id for run in runs], wanted, since, query.limit)
    lines = _fitting(found.lines)
    complete = found.complete and len(lines) == len(found.lines)
    return Reply(
        json.dumps(
            {
                "lines": [_line(line["run"], line) for line in lines],
                "complete": complete,
            }
        )
    )


def _fitting(lines: Sequence[Line]) -> Sequence[Line]:
    """As many from the start as fit into one answer, at least one."""
    total = 0
    for count, line in enumerate(lines):
        total += len(line["text"])
        if total > _LARGEST_PAGE and count:
            return lines[:count]
    return lines


def _line(run_id: str, line: Line) -> dict[str, Any]:
    """As a LineView, but unchecked: a line may hold characters that no model accepts, such as half a surrogate pair."""
    return {
        "run": run_id,
        **{
            name: line[name]
            for name in (
                "treatment",
                "attempt",
                "runner",
                "seq",
                "time",
                "stream",
                "level",
                "text",
            )
        },
        "continued": bool(line.get("continued")),
        "gap": line.get("gap"),
    }
