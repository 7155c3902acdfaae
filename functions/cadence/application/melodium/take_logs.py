"""Adds the lines that engines log to the logs of their runs, through the log stream that all lines take."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cadence.application.logs.ports import LogBatch, LogLine, LogSink
from cadence.application.melodium.intake import ReportPart, ReportParts
from cadence.application.melodium.progress import Gap, Progress, due
from cadence.application.runs.ports import EngineStream, ReportedStore
from cadence.application.shared.ports import Clock
from cadence.domain.melodium.log_entry import LEVELS, UNLABELLED, LogEntry
from cadence.domain.melodium.request import Mode
from cadence.domain.runs.run import Run
from cadence.domain.shared import ids
from cadence.domain.shared.errors import Transient
from cadence.domain.shared.rfc3339 import milliseconds

STATE = "logs"
_DIGESTS = "logs-seen"
_DIGEST_BYTES = 8
_LONGEST_TEXT = 64 * 1024
_LONGEST_ERROR = 300
_MOST_LABELS = 1_000
_STREAM = "engine"
_GAPS = "cadence"
"""The label of lines about chunks that did not come."""


@dataclass
class _State:
    """The stored state; `lines` counts the lines written of each label, which gives the next line its number."""

    progress: Progress = field(default_factory=Progress)
    lines: dict[str, int] = field(default_factory=dict)
    errors: int = 0
    first_error: str = ""
    interrupted: str = ""


@dataclass(frozen=True)
class TakeLogs:
    """Takes in the log entries of a process; implements `TakeIn`."""

    parts: ReportParts
    sink: LogSink
    reported: ReportedStore
    clock: Clock

    def take(self, run: Run) -> bool:
        """Takes in the parts that are due. Returns True if there are more, behind a chunk that has not come.

        Raises Transient if the log stream accepts no lines right now.
        """
        state = self._state(run.run_id)
        # Only a worker's lines may come from two processes, and a worker that was started by hand names no parent.
        seen = self._seen(run.run_id) if run.melodium and run.melodium.mode != Mode.DIRECT else None
        pending = due(self.parts, run.run_id, EngineStream.LOGS, state.progress, self.clock())
        if pending.lost:
            self._report_gaps(run, state, pending.lost)
            self._save(run.run_id, state)
        for part in pending.parts:
            self._take(run, state, part, seen)
            state.progress.took(part)
            # The lines come first: lines that are repeated after a crash get the same numbers, which identify them.
            if seen is not None:
                self.parts.save(run.run_id, _DIGESTS, b"".join(sorted(seen)))
            self._save(run.run_id, state)
        self.reported.note_lines(
            run.run_id, state.progress.taken(run.run_id), state.errors, state.first_error, state.interrupted
        )
        return pending.waits

    def _take(self, run: Run, state: _State, part: ReportPart, seen: set[bytes] | None) -> None:
        by_label: dict[str, list[LogLine]] = {}
        for entry in _new(self.parts.entries(part), seen):
            label = entry.label.strip() or UNLABELLED
            if label not in state.lines and len(state.lines) >= _MOST_LABELS:
                label = UNLABELLED
            number = state.lines.get(label, 0) + 1
            state.lines[label] = number
            by_label.setdefault(label, []).append(_line(entry, number))
            if entry.interrupts:
                state.interrupted = state.interrupted or entry.message.partition(",")[0][:_LONGEST_ERROR]
            if entry.level == "Error":
                state.errors += 1
                state.first_error = state.first_error or f"{label}: {entry.message}"[:_LONGEST_ERROR]
        for label, lines in by_label.items():
            self._put(run, label, lines)

    def _report_gaps(self, run: Run, state: _State, lost: Sequence[Gap]) -> None:
        """Writes a line for each gap, in its place."""
        number, lines = state.lines.get(_GAPS, 0), []
        for first, behind in lost:
            number += 1
            chunks = f"Chunk {first}" if behind == first + 1 else f"Chunks {first} to {behind - 1}"
            text = f"{chunks} of what the engine logged did not come: lines are missing here, unless they come late."
            lines.append(
                LogLine(seq=number, time=milliseconds(self.clock()), stream=_STREAM, level="warning", text=text)
            )
        state.lines[_GAPS] = number
        self._put(run, _GAPS, lines)

    def _put(self, run: Run, label: str, lines: Sequence[LogLine]) -> None:
        batch = LogBatch(
            run_id=run.run_id, runner_id=ids.runner_id(run.run_id, label, 1), treatment=label, attempt=1, lines=lines
        )
        if self.sink.put(batch) < lines[-1].seq:
            raise Transient("The log stream did not take all lines.")

    def _save(self, run_id: str, state: _State) -> None:
        content = {**vars(state), "progress": vars(state.progress)}
        self.parts.save(run_id, STATE, json.dumps(content).encode())

    def _state(self, run_id: str) -> _State:
        stored = self.parts.load(run_id, STATE)
        if stored is None:
            return _State()
        content = json.loads(stored)
        return _State(**{**content, "progress": Progress.read(content["progress"])})

    def _seen(self, run_id: str) -> set[bytes]:
        stored = self.parts.load(run_id, _DIGESTS) or b""
        return {stored[start : start + _DIGEST_BYTES] for start in range(0, len(stored), _DIGEST_BYTES)}


def _new(entries: Iterable[LogEntry], seen: set[bytes] | None) -> Iterable[LogEntry]:
    """Yields the entries whose digest is not in `seen`, and adds it; all entries if `seen` is None."""
    for entry in entries:
        if seen is not None:
            digest = entry.digest
            if digest in seen:
                continue
            seen.add(digest)
        yield entry


def _line(entry: LogEntry, number: int) -> LogLine:
    text = entry.message
    return LogLine(
        seq=number,
        time=milliseconds(datetime.fromisoformat(entry.time).astimezone(UTC)),
        stream=_STREAM,
        level=LEVELS.get(entry.level, "info"),
        text=text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…",
        track=entry.track,
    )
