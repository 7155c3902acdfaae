"""Events: lines were written, a treatment or a run ended, the audit log has a record (`schemas/events/1.json`).

An event may be delivered twice and in any order; its `id` is the same both times. Times are RFC 3339 in UTC, or null.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from cadence.domain.logs.log import Segment
from cadence.domain.runners.runner import Runner
from cadence.domain.runs.run import Run, Treatment
from cadence.domain.shared.rfc3339 import milliseconds

Event = Mapping[str, Any]


class EventKind(StrEnum):
    """The kind of an event."""

    SEGMENT = "segment"
    TREATMENT = "treatment"
    RUN = "run"
    AUDIT = "audit"


class Audience(StrEnum):
    """The consumers of events, each with a queue of its own."""

    ALERTING = "alerting"
    EXPORTING = "exporting"


Subscriptions = Mapping[Audience, frozenset[EventKind]]
"""The kinds of events of an organization that each audience receives."""

# The default: metrics are kept for every organization.
NO_SUBSCRIPTIONS: Subscriptions = {
    Audience.ALERTING: frozenset(),
    Audience.EXPORTING: frozenset({EventKind.TREATMENT, EventKind.RUN}),
}


def segment_event(segment: Segment) -> Event:
    """Returns the event of a segment of log lines that was written."""
    return {
        "id": f"segment:{segment.run_id}:{segment.number}",
        "kind": str(EventKind.SEGMENT),
        "organization": segment.organization,
        "project": segment.project,
        "pipeline": segment.pipeline,
        "run_id": segment.run_id,
        "number": segment.number,
        "key": segment.key,
        "first_time": segment.first_time,
        "last_time": segment.last_time,
        "lines": segment.lines,
        "written_at": segment.written_at,
        "treatments": list(segment.treatments),
        "levels": list(segment.levels),
    }


def treatment_event(run: Run, treatment: Treatment, runner: Runner | None) -> Event:
    """Returns the event of a treatment's end.

    `runner` is that of the treatment's last attempt, if it had one.
    """
    return {
        "id": f"treatment:{run.run_id}:{treatment.name}:{treatment.attempt}:{treatment.state}",
        "kind": str(EventKind.TREATMENT),
        **_of_run(run),
        "treatment": treatment.name,
        "treatment_kind": str(treatment.kind),
        "state": str(treatment.state),
        "cause": treatment.cause,
        "attempt": treatment.attempt,
        "exit_code": treatment.exit_code,
        "pool": treatment.pool,
        "provider": runner.provider if runner else None,
        "ready_at": _time(treatment.ready_at),
        "placed_at": _time(treatment.placed_at),
        "claimed_at": _time(runner.claimed_at) if runner else None,
        "started_at": _time(treatment.started_at),
        "finished_at": _time(treatment.finished_at),
        "usage": _usage(runner),
        "kept_from": treatment.kept_from,
    }


def run_event(run: Run) -> Event:
    """Returns the event of a run's end."""
    return {
        "id": f"run:{run.run_id}:{run.state}",
        "kind": str(EventKind.RUN),
        **_of_run(run),
        "state": str(run.state),
        "cause": run.cause,
        "created_at": _time(run.created_at),
        "started_at": _time(run.started_at),
        "finished_at": _time(run.finished_at),
        "created_by": run.created_by,
        "rerun_of": run.rerun_of,
    }


def audit_event(record: Mapping[str, Any]) -> Event:
    """Returns the event of a chained record of the audit log."""
    return {
        "id": f"audit:{record['organization']}:{record['sequence']}",
        "kind": str(EventKind.AUDIT),
        "organization": record["organization"],
        "project": record["project"],
        "written_at": record["at"],
        "record": record,
    }


def _of_run(run: Run) -> Event:
    return {
        "organization": run.organization,
        "project": run.project,
        "pipeline": run.pipeline,
        "run_id": run.run_id,
        "replay_of": run.replay_of.run_id if run.replay_of else None,
    }


def _usage(runner: Runner | None) -> Mapping[str, float]:
    if runner is None or runner.result is None:
        return {}
    return {name: float(value) for name, value in runner.result.usage.items()}


def _time(at: datetime | None) -> str | None:
    """Returns the time rounded to the milliseconds that the text shows."""
    return None if at is None else milliseconds(at + timedelta(microseconds=500))
