"""Deltas of runs: what changed, as those who watch a run receive it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cadence.domain.runs.run import Run, Treatment

LONGEST_CAUSE = 500
"""Characters of a treatment's cause in listings; the treatment itself has all of it."""

# The fields of a run that change after its start.
_RUN_FIELDS = ("state", "cause", "soft_failures", "started_at", "finished_at", "waiting_for")
_TREATMENT_FIELDS = (
    "name",
    "state",
    "attempt",
    "cause",
    "waiting_for",
    "kept_from",
    "exit_code",
    "soft_failed",
    "pool",
    "ready_at",
    "started_at",
    "finished_at",
)

Json = Mapping[str, Any]


@dataclass(frozen=True)
class RunDelta:
    """What changed in a run: fields of the run, and the treatments to replace, by name. JSON, shaped as the API's."""

    run: Json
    treatments: Sequence[Json]


def run_fields(run: Run) -> Json:
    """Returns what can change of a run, as JSON."""
    return {name: _plain(getattr(run, name)) for name in _RUN_FIELDS}


def treatment_fields(treatment: Treatment) -> Json:
    """Returns a treatment as listings show it, as JSON."""
    fields = {name: _plain(getattr(treatment, name)) for name in _TREATMENT_FIELDS}
    fields["cause"] = short_cause(treatment.cause)
    return fields


def short_cause(cause: str | None) -> str | None:
    """Returns a cause with at most `LONGEST_CAUSE` characters, and an ellipsis if some were left out."""
    return f"{cause[:LONGEST_CAUSE]}…" if cause and len(cause) > LONGEST_CAUSE else cause


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value) if isinstance(value, str) else value
