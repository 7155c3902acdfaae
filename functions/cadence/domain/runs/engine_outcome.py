"""How a process ended, from what there is to go by: an engine itself never says that something went wrong."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cadence.domain.melodium.process import ProcessOutcome, Reported
from cadence.domain.runs.states import RunState

_STILL_RUNS = "Compose exit timeout"
_MOST_MESSAGES = 5
SETTLES = timedelta(seconds=3)
"""How long after its end the last chunk is surely announced."""


@dataclass(frozen=True, kw_only=True)
class EngineEvidence:
    """What reports tell so far.

    `over`: the events say that nothing is left to do. `logs_chunks` and `debug_chunks` are those that were looked at.
    `errors` counts lines at level error, `first_error` is the first of them. `failed_steps` are treatments that ended at
    a port that tells of failure.
    """

    over: bool = False
    logs_chunks: int = 0
    debug_chunks: int = 0
    errors: int = 0
    first_error: str = ""
    failed_steps: tuple[str, ...] = ()

    def complete(self, said: Reported) -> bool:
        """Whether there is nothing more to come."""
        return self.over and self.logs_chunks >= said.logs_chunks and self.debug_chunks >= said.debug_chunks


@dataclass(frozen=True)
class EngineOutcome:
    state: RunState
    cause: str | None = None


def outcome(said: Reported, seen: EngineEvidence, now: datetime, patience: timedelta) -> EngineOutcome | None:
    """None while it cannot be told. `patience` is how long after its last word there may be more to come."""
    if said.launch_errors:
        return EngineOutcome(RunState.FAILED, f"the engine did not launch: {_listed(said.launch_errors)}")
    if said.ended_at is None:
        return None
    if said.ended is ProcessOutcome.FAILURE:
        return EngineOutcome(
            RunState.FAILED, _listed(said.messages) or "whoever started the engine says that it failed"
        )
    if _still_runs(said):
        # Whoever started it stopped waiting, which says nothing about it.
        if said.reporting_at is None:
            return EngineOutcome(RunState.SUCCEEDED, _unknown(said))
        return _as_seen(seen) if seen.complete(said) else None
    # It counts a chunk after it has uploaded it, so that the last ones may not be counted when the first come.
    settled = seen.complete(said) and now >= said.ended_at + SETTLES
    if said.reporting_at is None or settled or now >= said.ended_at + patience:
        return _as_seen(seen)
    return None


def overdue(last_word: datetime, max_duration: int) -> EngineOutcome:
    return EngineOutcome(
        RunState.TIMED_OUT,
        f"the engine has not said that it ended, {max_duration} s after it began; its last word was at "
        f"{last_word:%Y-%m-%d %H:%M:%S} UTC (an engine that crashes sends nothing)",
    )


def _still_runs(said: Reported) -> bool:
    return any(message.startswith(_STILL_RUNS) for message in said.messages)


def _as_seen(seen: EngineEvidence) -> EngineOutcome:
    if seen.failed_steps:
        return EngineOutcome(RunState.FAILED, f"{_listed(seen.failed_steps)} failed{_said(seen)}")
    if seen.errors:
        lines = "one line" if seen.errors == 1 else f"{seen.errors} lines"
        return EngineOutcome(RunState.FAILED, f"{lines} at level error{_said(seen)}")
    return EngineOutcome(RunState.SUCCEEDED)


def _said(seen: EngineEvidence) -> str:
    return f": {seen.first_error}" if seen.first_error else ""


def _unknown(said: Reported) -> str:
    return (
        f"whoever started the engine stopped waiting for it, and it reports nothing itself ({_listed(said.messages)})"
    )


def _listed(texts: tuple[str, ...]) -> str:
    shown = "; ".join(texts[:_MOST_MESSAGES])
    return shown if len(texts) <= _MOST_MESSAGES else f"{shown}; and {len(texts) - _MOST_MESSAGES} more"
