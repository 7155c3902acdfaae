"""The time that an attempt spent in each of its phases."""

from dataclasses import dataclass
from datetime import datetime

from cadence.domain.runners.runner import Runner
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import TreatmentState


@dataclass(frozen=True)
class Times:
    """The seconds of each phase; None for a phase that the attempt has not reached.

    A phase that goes on is counted until now. `waited` is until its inputs were there (of the first attempt), `queued`
    until an infrastructure began to make its runner (approvals, slots and a host's free place are in it), `booted`
    until the runner called home, `ran` until the end.
    """

    waited: float | None = None
    queued: float | None = None
    booted: float | None = None
    ran: float | None = None


def times(treatment: Treatment, attempt: int, runner: Runner | None, now: datetime) -> Times:
    """Returns the times from the history and from `runner`.

    `runner` is that of the attempt; it completes what only the infrastructure knows.
    """
    changes = [change for change in treatment.history if change.attempt == attempt]
    since = {change.state: change.at for change in reversed(changes)}  # the first time of each state
    until = next((change.at for change in changes if TreatmentState(change.state).ends_attempt), now)
    pending = since.get(TreatmentState.PENDING)
    ready = since.get(TreatmentState.READY) or since.get(TreatmentState.PLACING)
    booting = runner.booting_at if runner else None
    running = since.get(TreatmentState.RUNNING)
    return Times(
        waited=_seconds(pending, ready or until),
        queued=_seconds(ready, booting or running or until),
        booted=_seconds(booting, running or until),
        ran=_seconds(running, until),
    )


def _seconds(start: datetime | None, end: datetime) -> float | None:
    return None if start is None else max(0.0, round((end - start).total_seconds(), 3))
