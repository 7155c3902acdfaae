"""Writes batches of log lines as a segment of their run's log: each line once, even if delivered twice or late."""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cadence.application.logs.limit_logs import NO_LIMIT, LineLimit
from cadence.application.logs.ports import Line, LogBatch, LogHead, LogIndex, LogLine, LogSegments, RunOf
from cadence.domain.logs.log import Segment, Watermark, detected_level, gap_line
from cadence.domain.runs.run import Run
from cadence.domain.search.tokens import plain
from cadence.domain.shared.errors import Conflict, Transient

# Other runs of the organization arrive in the same lane, so a transaction may come too late now and then.
_ATTEMPTS = 8
# A transaction holds 100 items: manifest, head, arrival and its lane, and a watermark for each runner.
_RUNNERS_PER_SEGMENT = 90
# A reader of one line unpacks its whole segment.
_LINES_PER_SEGMENT = 20_000


@dataclass(frozen=True)
class IndexLogs:
    """Writes segments; `ring` announces new lines of an organization's run.

    It also announces lines that had been written before, since the first announcement may have been lost.
    """

    index: LogIndex
    segments: LogSegments
    run_of: RunOf
    ring: Callable[[str, str], None] = lambda organization, run_id: None
    limit: LineLimit = NO_LIMIT

    def index_batches(self, run_id: str, batches: Sequence[LogBatch]) -> int:
        """Writes the new lines of `batches`, all of one run, and returns how many. Safe to repeat.

        The segment is written first and becomes part of the log with its manifest, in one transaction with the
        watermarks. A crash in between leaves an object without a reference. Raises Transient if other calls keep
        writing the same log.
        """
        written = 0
        run = self.run_of(run_id)
        for some in _portions(batches):
            by_runner: dict[str, list[LogBatch]] = defaultdict(list)
            for batch in some:
                by_runner[batch.runner_id].append(batch)
            runners = sorted(by_runner)
            for start in range(0, len(runners), _RUNNERS_PER_SEGMENT):
                group = {runner: by_runner[runner] for runner in runners[start : start + _RUNNERS_PER_SEGMENT]}
                for bucket in dict.fromkeys(batches[0].bucket for batches in group.values()):
                    kept = {runner: batches for runner, batches in group.items() if batches[0].bucket == bucket}
                    written += self._write(run, kept, bucket)
        self.ring(run.organization, run_id)
        return written

    def _write(self, run: Run, by_runner: dict[str, list[LogBatch]], bucket: str | None) -> int:
        run_id = run.run_id
        for _ in range(_ATTEMPTS):
            head = self.index.get_head(run.organization, run_id, by_runner)
            watermarks: list[Watermark] = []
            lines_by_runner: list[Sequence[Line]] = []
            for runner_id, batches in by_runner.items():
                earlier = head.watermarks.get(runner_id, Watermark(runner_id))
                if self.limit.is_full(earlier):
                    continue
                watermark, lines = self.limit.kept(run, earlier, *_new_lines(earlier, batches))
                if lines:
                    watermarks.append(watermark)
                    lines_by_runner.append(lines)
            if not watermarks:
                return 0
            lines = _merged(lines_by_runner)
            key = self.segments.write(run_id, head.next_segment, lines, bucket)
            try:
                self.index.append(head, _manifest(run, head, key, lines), watermarks)
            except (Conflict, Transient):
                continue
            self.limit.count(run, head.watermarks, watermarks)
            return len(lines)
        raise Transient(f"The log of run {run_id} is being written by others.")


def _portions(batches: Sequence[LogBatch]) -> Iterator[Sequence[LogBatch]]:
    """Yields the batches in their order, as many together as a segment takes."""
    portion: list[LogBatch] = []
    lines = 0
    for batch in batches:
        if portion and lines + len(batch.lines) > _LINES_PER_SEGMENT:
            yield portion
            portion, lines = [], 0
        portion.append(batch)
        lines += len(batch.lines)
    if portion:
        yield portion


def _merged(lines_by_runner: Sequence[Sequence[Line]]) -> Sequence[Line]:
    """Returns lines by time across runners; those of one runner keep their order even if its clock was set back."""
    if len(lines_by_runner) == 1:
        return lines_by_runner[0]
    return list(heapq.merge(*lines_by_runner, key=lambda line: line["time"]))


def _new_lines(watermark: Watermark, batches: Sequence[LogBatch]) -> tuple[Watermark, list[Line]]:
    received = {line.seq: line for batch in batches for line in batch.lines}
    after, new, gaps = watermark.take(received)
    batch = batches[0]
    opened = {gap.last + 1: gap for gap in gaps}
    lines: list[Line] = []
    for seq in sorted(new):
        line = received[seq]
        if seq in opened:
            gap = gap_line(opened[seq], line.time, batch.runner_id, batch.treatment, batch.attempt)
            lines.append({**gap, "pool": batch.pool})
        lines.append(_as_stored(batch, line))
    return after, lines


def _as_stored(batch: LogBatch, line: LogLine) -> Line:
    stored = {
        "seq": line.seq,
        "time": line.time,
        "runner": batch.runner_id,
        "pool": batch.pool,
        "treatment": batch.treatment,
        "attempt": batch.attempt,
        "stream": line.stream,
        "level": detected_level(line.level, plain(line.text)),
        "text": line.text,
    }
    if line.track is not None:
        stored["track"] = line.track
    if line.step is not None:
        stored["step"] = line.step
    return {**stored, "continued": True} if line.continued else stored


def _manifest(run: Run, head: LogHead, key: str, lines: Sequence[Line]) -> Segment:
    times = [line["time"] for line in lines]
    return Segment(
        organization=run.organization,
        project=run.project,
        pipeline=run.pipeline,
        run_id=run.run_id,
        number=head.next_segment,
        key=key,
        first_time=min(times),
        last_time=max(times),
        lines=len(lines),
        treatments=tuple(sorted({line["treatment"] for line in lines})),
        levels=tuple(sorted({line["level"] for line in lines})),
        lines_before=head.lines,
    )
