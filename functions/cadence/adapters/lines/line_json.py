"""Log lines as the HTTP API and the WebSocket API show them."""

from typing import Any

from cadence.application.logs.ports import Line
from cadence.application.search.ports import Hit
from cadence.domain.logs.log import Segment

_OF_LINE = ("treatment", "attempt", "runner", "seq", "time", "stream", "level", "text")


def hit_json(hit: Hit) -> dict[str, Any]:
    place = hit.place
    return _view(hit.project, hit.pipeline, place.run_id, place.segment, place.index, hit.line)


def line_json(segment: Segment, index: int, line: Line) -> dict[str, Any]:
    return _view(segment.project, segment.pipeline, segment.run_id, segment.number, index, line)


def _view(project: str, pipeline: str, run_id: str, segment: int, index: int, line: Line) -> dict[str, Any]:
    """Returns a line as a LineView of the API, but unchecked.

    A line may hold characters that no model accepts, such as half a surrogate pair.
    """
    return {
        "project": project,
        "pipeline": pipeline,
        "run": run_id,
        "pool": line.get("pool"),
        **{name: line[name] for name in _OF_LINE},
        "continued": bool(line.get("continued")),
        "track": line.get("track"),
        "step": line.get("step"),
        "gap": line.get("gap"),
        "segment": segment,
        "index": index,
    }
