"""CloudWatch's embedded metric format: lines of a Lambda's own log that CloudWatch turns into metrics.

The few metrics have no dimensions: CloudWatch bills each one by the hour in which it has a value.
"""

import json
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from cadence.domain.exports.event import Event, EventKind

# A line may have so many values of a metric.
_MOST_VALUES = 100
_FAILED = frozenset({"failed", "timed_out"})
_UNITS = {"RunsEnded": "Count", "RunsFailed": "Count", "QueueSeconds": "Seconds", "BootSeconds": "Seconds"}


def emit(namespace: str, events: Sequence[Event], write: Callable[[str], None] = print) -> None:
    """Writes the metrics of `events`; nothing without a namespace."""
    values = _values(events)
    if not namespace or not values:
        return
    directive = {
        "Namespace": namespace,
        "Dimensions": [[]],
        "Metrics": [{"Name": name, "Unit": _UNITS[name]} for name in values],
    }
    line = {"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}, **values}
    write(json.dumps(line, separators=(",", ":")))


def _values(events: Sequence[Event]) -> dict[str, Any]:
    runs = [event for event in events if event["kind"] == EventKind.RUN]
    treatments = [event for event in events if event["kind"] == EventKind.TREATMENT]
    values: dict[str, Any] = {
        "QueueSeconds": _between(treatments, "ready_at", "placed_at"),
        "BootSeconds": _between(treatments, "placed_at", "claimed_at"),
    }
    if runs:
        values |= {"RunsEnded": len(runs), "RunsFailed": sum(run["state"] in _FAILED for run in runs)}
    return {name: value for name, value in values.items() if value != []}


def _between(events: Sequence[Event], start: str, end: str) -> list[float]:
    complete = [event for event in events if event.get(start) and event.get(end)]
    return [
        max(0.0, (datetime.fromisoformat(measured[end]) - datetime.fromisoformat(measured[start])).total_seconds())
        for measured in complete[:_MOST_VALUES]
    ]
