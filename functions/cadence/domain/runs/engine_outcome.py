"""The outcome of an engine's process, derived from the evidence: the engine itself never reports a failure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cadence.domain.melodium.process import ProcessOutcome, Reported
from cadence.domain.runs.states import RunState

_STILL_RUNS = "Compose exit timeout"
_MOST_MESSAGES = 5
SETTLES = timedelta(seconds=3)
"""Time after the end of a process by which its last chunk is surely announced."""


@dataclass(frozen=True, kw_only=True)
class EngineEvidence:
    """The evidence that the reports of a process contain so far.

    `over`: the events say that nothing is left to do. `logs_chunks` and `debug_chunks` count the chunks that were read.
    `errors` counts lines at level error, `first_error` is the first of them. `failed_steps` are treatments that ended
    at a port that stands for failure. `interrupted` is the engine's line about the signal that made it end, if there
    was one.
    """

    over: bool = False
    logs_chunks: int = 0
    debug_chunks: int = 0
    errors: int = 0
    first_error: str = ""
    failed_steps: tuple[str, ...] = ()
    interrupted: str = ""

    def complete(self, reported: Reported) -> bool:
        """Returns whether all announced chunks were read and the process is over."""
        return self.over and self.logs_chunks >= reported.logs_chunks and self.debug_chunks >= reported.debug_chunks


@dataclass(frozen=True)
class EngineOutcome:
    """The final state of a process, and its cause if it did not succeed."""

    state: RunState
    cause: str | None = None


def outcome(reported: Reported, evidence: EngineEvidence, now: datetime, patience: timedelta) -> EngineOutcome | None:
    """Returns the outcome of a process, or None while it is not known yet.

    `patience` is how long after its last report there may be more to come.
    """
    if reported.launch_errors:
        return EngineOutcome(RunState.FAILED, f"the engine did not launch: {_listed(reported.launch_errors)}")
    if reported.ended_at is None:
        return None
    if reported.ended is ProcessOutcome.FAILURE:
        return EngineOutcome(
            RunState.FAILED, _listed(reported.messages) or "the program that started the engine reports that it failed"
        )
    if _still_runs(reported):
        # The program that started it stopped waiting, which says nothing about the process.
        if reported.reporting_at is None:
            return EngineOutcome(RunState.SUCCEEDED, _unobserved(reported))
        return _from_evidence(evidence) if evidence.complete(reported) else None
    # The engine counts a chunk after its upload, so that the last ones may not be counted when the first arrive.
    settled = evidence.complete(reported) and now >= reported.ended_at + SETTLES
    if reported.reporting_at is None or settled or now >= reported.ended_at + patience:
        return _from_evidence(evidence)
    return None


def overdue(last_word: datetime, max_duration: int) -> EngineOutcome:
    """Returns the outcome of a process that exceeded `max_duration` (in seconds) without reporting its end."""
    return EngineOutcome(
        RunState.TIMED_OUT,
        f"the engine has not reported its end {max_duration} s after it began; its last report was at "
        f"{last_word:%Y-%m-%d %H:%M:%S} UTC (an engine that crashes sends nothing)",
    )


def _still_runs(reported: Reported) -> bool:
    return any(message.startswith(_STILL_RUNS) for message in reported.messages)


def _from_evidence(evidence: EngineEvidence) -> EngineOutcome:
    if evidence.interrupted:
        # It reports success then, too, although its work was not done.
        return EngineOutcome(RunState.CANCELLED, f"the engine was {evidence.interrupted}")
    if evidence.failed_steps:
        return EngineOutcome(RunState.FAILED, f"{_listed(evidence.failed_steps)} failed{_first_error(evidence)}")
    if evidence.errors:
        lines = "one line" if evidence.errors == 1 else f"{evidence.errors} lines"
        return EngineOutcome(RunState.FAILED, f"{lines} at level error{_first_error(evidence)}")
    return EngineOutcome(RunState.SUCCEEDED)


def _first_error(evidence: EngineEvidence) -> str:
    return f": {evidence.first_error}" if evidence.first_error else ""


def _unobserved(reported: Reported) -> str:
    return (
        "the program that started the engine stopped waiting for it, and the engine reports nothing itself "
        f"({_listed(reported.messages)})"
    )


def _listed(texts: tuple[str, ...]) -> str:
    shown = "; ".join(texts[:_MOST_MESSAGES])
    return shown if len(texts) <= _MOST_MESSAGES else f"{shown}; and {len(texts) - _MOST_MESSAGES} more"
