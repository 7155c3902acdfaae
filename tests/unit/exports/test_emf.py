"""Lines that CloudWatch makes metrics of."""

import json
from typing import Any

from cadence.adapters.lambda_runtime.emf import emit

RUN = {"kind": "run", "state": "failed"}
TREATMENT = {
    "kind": "treatment",
    "state": "succeeded",
    "ready_at": "2026-03-01T12:00:00.000Z",
    "placed_at": "2026-03-01T12:00:02.500Z",
    "claimed_at": "2026-03-01T12:00:06.500Z",
}


def written(namespace: str, *events: dict[str, Any]) -> list[dict[str, Any]]:
    lines: list[str] = []
    emit(namespace, events, lines.append)
    return [json.loads(line) for line in lines]


def test_one_line_tells_of_a_batch() -> None:
    (line,) = written("Cadence/main", RUN, {**RUN, "state": "succeeded"}, TREATMENT, TREATMENT)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Cadence/main" and directive["Dimensions"] == [[]]
    assert {one["Name"]: one["Unit"] for one in directive["Metrics"]} == {
        "RunsEnded": "Count",
        "RunsFailed": "Count",
        "QueueSeconds": "Seconds",
        "BootSeconds": "Seconds",
    }
    assert (line["RunsEnded"], line["RunsFailed"]) == (2, 1)
    assert (line["QueueSeconds"], line["BootSeconds"]) == ([2.5, 2.5], [4.0, 4.0])


def test_nothing_is_written_where_there_is_nothing_to_tell() -> None:
    assert written("") == written("", RUN) == []
    assert written("Cadence/main", {"kind": "segment"}, {**TREATMENT, "placed_at": None}) == []
