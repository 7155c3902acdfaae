"""The log of one run, from a cursor on."""

import json
from datetime import timedelta

from pydantic import Field

from api.endpoint import Call, Endpoints, Model, Reply
from api.routes.logs.line_shapes import LineView, fitting
from api.shapes import TreatmentName
from cadence.adapters.lines.line_json import line_json
from cadence.application.logs.read_logs import cursor, line_filter
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.runs.run import Run
from cadence.domain.shared.errors import InvalidRequest, Violation

endpoints = Endpoints("logs")


class LogPage(Model):
    lines: list[LineView]
    after: str = Field(description="The cursor to go on from. It stays the same while nothing new is there.")
    more: bool = Field(description="Whether there are more lines right now.")


class LogQuery(Model):
    after: str | None = Field(None, max_length=40)
    wait: float = Field(0, ge=0, le=2, description="Seconds to wait for a first line.")
    limit: int = Field(1_000, ge=1, le=2_000)
    treatment: TreatmentName | None = None
    step: str | None = Field(None, min_length=1, max_length=100, description="The name of a step of the treatment.")
    level: str | None = Field(None, max_length=20)
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
    answers={200: LogPage},
    errors=(404, 422),
)
def show_logs(call: Call, services: Services, run_id: str, query: LogQuery) -> Reply:
    """Lists the lines of a run after the cursor, oldest first.

    Gaps, where lines were lost, are listed in filtered answers as well. A step is one of all attempts.
    """
    run = services.visible.get(call.by, run_id)
    matches = line_filter(query.treatment, query.level, query.grep)
    step = _number_of_step(services, run, query.treatment, query.step) if query.step else None
    wait = timedelta(seconds=query.wait)
    tail = services.read_logs.tail(run.run_id, query.after, query.limit, matches, wait, step)
    shown = fitting([line for _, _, line in tail.lines])
    after = tail.after
    if shown < len(tail.lines):
        segment, index, _ = tail.lines[shown - 1]
        after = cursor(segment.number, index + 1)
    page = {
        "lines": [line_json(*line) for line in tail.lines[:shown]],
        "after": after,
        "more": shown < len(tail.lines) or shown == query.limit,
    }
    return Reply(json.dumps(page))


def _number_of_step(services: Services, run: Run, treatment: str | None, step: str) -> int:
    if treatment is None:
        raise InvalidRequest("A step is selected together with its treatment.", [Violation("treatment", "is missing")])
    spec, _ = services.debugging.look.context(services.look.read(run), treatment)
    names = [one.name for one in spec.steps]
    if step not in names:
        known = f"It has {', '.join(names)}." if names else "It has no named steps."
        raise InvalidRequest(
            f"Treatment {treatment!r} has no step {step!r}. {known}"[:2_000], [Violation("step", "is none")]
        )
    return names.index(step) + 1
