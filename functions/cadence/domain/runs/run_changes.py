"""The changes of a run since a client last looked: what it has to replace, and the position to go on from.

Several machines write states, each with its own clock, and a change may be stored later than its time says. So a client
is sent everything that changed within some time before its position; it replaces what it has, by name, and what it is
sent twice changes nothing. The position also has a digest of these changes, so that equal ones are not sent again.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cadence.domain.runs.run import Run, Treatment
from cadence.domain.shared.errors import InvalidRequest, Violation

OVERLAP = timedelta(seconds=30)
"""More than clocks of machines differ, and than a change takes to be stored."""

_POSITION = re.compile(r"(\d{1,15})\.([0-9a-f]{16}|)")


@dataclass(frozen=True)
class ChangesPosition:
    """Up to when a client knows a run; `digest` is of the changes that it was sent within the overlap before."""

    at: datetime
    digest: str = ""

    def __str__(self) -> str:
        return f"{round(self.at.timestamp() * 1000)}.{self.digest}"

    @classmethod
    def of(cls, text: str) -> "ChangesPosition":
        """Reads a position from its text. Raises InvalidRequest for any other text."""
        match = _POSITION.fullmatch(text)
        try:
            if match:
                return cls(datetime.fromtimestamp(int(match[1]) / 1000, UTC), match[2])
        except (OverflowError, ValueError, OSError):
            pass  # a time that no clock shows is no position either
        message = "The cursor is not valid: use one from an earlier answer."
        raise InvalidRequest(message, [Violation("after", "is no cursor")])


@dataclass(frozen=True)
class RunChanges:
    """What changed: the treatments to replace, and the position behind them."""

    treatments: Sequence[Treatment]
    after: ChangesPosition


def changes_since(
    run: Run, treatments: Sequence[Treatment], after: ChangesPosition, now: datetime
) -> RunChanges | None:
    """Returns what a client at this position lacks; None if that is nothing."""
    recent = _recent(treatments, after.at)
    if _digest(run, recent) == after.digest:
        return None
    return RunChanges(recent, position(run, treatments, now))


def position(run: Run, treatments: Sequence[Treatment], now: datetime) -> ChangesPosition:
    """Returns the position of a client that knows all this."""
    at = now.replace(microsecond=now.microsecond // 1000 * 1000)  # as its text has it
    return ChangesPosition(at, _digest(run, _recent(treatments, at)))


def version_of(runs: Sequence[Run]) -> str:
    """Returns a text that is another one as soon as one of the runs, or which runs these are, has changed."""
    return hashlib.sha256("\n".join(f"{run.run_id} {_version(run)}" for run in runs).encode()).hexdigest()[:16]


def _recent(treatments: Sequence[Treatment], at: datetime) -> Sequence[Treatment]:
    # What a treatment waits for changes without a time of its own.
    return [one for one in treatments if one.waiting_for is not None or _changed_at(one) >= at - OVERLAP]


def _changed_at(treatment: Treatment) -> datetime:
    times = (treatment.ready_at, treatment.placed_at, treatment.started_at, treatment.finished_at)
    known = [time for time in times if time is not None]
    known += [treatment.history[-1].at] if treatment.history else []
    return max(known, default=datetime.min.replace(tzinfo=UTC))


def _digest(run: Run, treatments: Sequence[Treatment]) -> str:
    versions = [_version(run)]
    versions += sorted(
        repr((one.name, one.state, one.attempt, one.cause, one.waiting_for, one.pool, one.exit_code, len(one.history)))
        for one in treatments
    )
    return hashlib.sha256("\n".join(versions).encode()).hexdigest()[:16]


def _version(run: Run) -> str:
    return repr((run.state, run.cause, run.waiting_for, run.started_at, run.finished_at))
