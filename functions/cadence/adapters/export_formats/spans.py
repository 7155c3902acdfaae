"""A span for each run and each treatment, by OpenTelemetry's semantic conventions for CI/CD.

A trace's and a span's id follow from the run's and the treatment's, so that each span can be sent when it ends, and
twice.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from ulid import ULID

from cadence.adapters.export_formats.attributes import key_values
from cadence.application.metrics.ports import Event
from cadence.domain.shared import ids

# `cicd.pipeline.result` and `cicd.pipeline.task.run.result`: `error` is the system's fault, `failure` the work's.
_RESULTS = {
    "succeeded": "success",
    "failed": "failure",
    "timed_out": "timeout",
    "cancelled": "cancellation",
    "skipped": "skip",
    "lost": "error",
}
_ERROR_TYPES = {"failed": "failed", "timed_out": "timeout", "lost": "runner_lost"}


def resource_of(event: Event, origin: str) -> Mapping[str, Any]:
    """Returns the pipeline run, as the resource of all that it sends."""
    return {
        "service.name": "cadence",
        "service.namespace": event["organization"],
        "cicd.pipeline.name": event["pipeline"],
        "cicd.pipeline.run.id": event["run_id"],
        "cicd.pipeline.run.url.full": _address(origin, "runs", event["run_id"]),
        "cadence.organization": event["organization"],
        "cadence.project": event["project"],
    }


def span_of(event: Event, origin: str) -> Span:
    return _run(event) if event["kind"] == "run" else _treatment(event, origin)


def trace_id(run_id: str) -> bytes:
    """Returns the trace's id: a run's id is a ULID, which has the 16 bytes of a trace's id."""
    return ULID.from_str(run_id.upper()).bytes


def _run(event: Event) -> Span:
    attributes = {
        "cicd.pipeline.action.name": "RUN",
        "cadence.created_by": event.get("created_by"),
        **_outcome(event, "cicd.pipeline.result"),
    }
    attributes |= {f"cadence.treatments.{state}": count for state, count in (event.get("treatments") or {}).items()}
    return Span(
        trace_id=trace_id(event["run_id"]),
        span_id=_span_id(event["run_id"]),
        name=f"RUN {event['pipeline']}",
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=_nanoseconds(event["created_at"]),
        end_time_unix_nano=_nanoseconds(event["finished_at"]),
        attributes=_key_values(attributes),
        events=_moments(event, {"started": "started_at"}),
        links=_replayed(event),
        status=_status(event),
    )


def _treatment(event: Event, origin: str) -> Span:
    run_id, treatment = event["run_id"], event["treatment"]
    usage = event.get("usage") or {}
    attributes = {
        "cicd.pipeline.task.name": treatment,
        "cicd.pipeline.task.run.id": ids.treatment_id(run_id, treatment),
        "cicd.pipeline.task.run.url.full": _address(origin, "runs", run_id, "treatments", treatment),
        **_outcome(event, "cicd.pipeline.task.run.result"),
        "process.exit.code": event.get("exit_code"),
        "cadence.attempt": event.get("attempt"),
        "cadence.pool": event.get("pool"),
        **{f"cadence.usage.{name}": amount for name, amount in usage.items()},
    }
    if event.get("pool") and event.get("attempt"):
        attributes["cicd.worker.id"] = ids.runner_id(run_id, treatment, event["attempt"])
    ended = event["finished_at"]
    return Span(
        trace_id=trace_id(run_id),
        span_id=_span_id(run_id, treatment),
        parent_span_id=_span_id(run_id),
        name=treatment,
        kind=Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=_nanoseconds(event.get("ready_at") or event.get("started_at") or ended),
        end_time_unix_nano=_nanoseconds(ended),
        attributes=_key_values(attributes),
        events=_moments(event, {"placed": "placed_at", "started": "started_at"}),
        links=_replayed(event),
        status=_status(event),
    )


def _outcome(event: Event, name: str) -> dict[str, Any]:
    state = event["state"]
    return {name: _RESULTS.get(state, "error"), "error.type": _ERROR_TYPES.get(state)}


def _status(event: Event) -> Status:
    if event["state"] in _ERROR_TYPES:
        return Status(code=Status.STATUS_CODE_ERROR, message=event.get("cause") or event["state"])
    return Status()


def _moments(event: Event, names: Mapping[str, str]) -> list[Span.Event]:
    """Returns what a span is divided by: waiting, booting, working."""
    return [
        Span.Event(name=name, time_unix_nano=_nanoseconds(event[field]))
        for name, field in names.items()
        if event.get(field)
    ]


def _replayed(event: Event) -> list[Span.Link]:
    replayed = event.get("replay_of")
    run_id = replayed.get("run_id") if isinstance(replayed, Mapping) else replayed
    if not run_id:
        return []
    attributes = _key_values({"cadence.link": "replay_of"})
    return [Span.Link(trace_id=trace_id(run_id), span_id=_span_id(run_id), attributes=attributes)]


def _span_id(*names: str) -> bytes:
    return hashlib.sha256("\0".join(names).encode()).digest()[:8]


def _key_values(attributes: Mapping[str, Any]) -> list[Any]:
    return key_values({name: value for name, value in attributes.items() if value is not None})


def _address(origin: str, *parts: str) -> str:
    return f"{origin}/v1/{'/'.join(parts)}"


def _nanoseconds(time: str) -> int:
    return round(datetime.fromisoformat(time).timestamp() * 1e6) * 1000
