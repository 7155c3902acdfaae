"""Explains why a treatment ended as it did: its cause, what that means, the stack traces in its log, its last lines."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cadence.application.logs.last_lines import LastLines
from cadence.application.logs.ports import Line
from cadence.domain.insight import exit_explanation
from cadence.domain.insight.stacktraces import StackTrace
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runners.runner import Runner
from cadence.domain.runs.run import Treatment

_READ = 3_000
_MOST_TRACES = 20
_MOST_ERRORS = 20


@dataclass(frozen=True)
class LinkedTrace:
    """A stack trace with the lines of its stream; the trace and its frames refer to them by index."""

    trace: StackTrace
    lines: Sequence[Line]


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """The explanation of one attempt.

    `errors` are lines of the command that state an error and belong to no stack trace. `complete` is whether all lines
    of the attempt were read.
    """

    attempt: int
    explanations: Sequence[str]
    traces: Sequence[LinkedTrace]
    errors: Sequence[Line]
    last_lines: Sequence[Line]
    complete: bool


@dataclass(frozen=True)
class Diagnose:
    """Explains ends of treatments."""

    last_lines: LastLines

    def diagnose(self, treatment: Treatment, spec: TreatmentSpec, runner: Runner | None, shown: int) -> Diagnosis:
        """Explains the attempt that `treatment` is in.

        `runner` is None if it had none, `shown` is the number of last lines to return.
        """
        attempt = treatment.attempt
        ended = next(
            (change.at for change in reversed(treatment.history) if change.attempt == attempt), treatment.finished_at
        )
        read = self.last_lines.read(
            treatment.run_id, treatment.name, attempt, _READ, ended if treatment.state.ends_attempt else None
        )
        traces = list(_traces(read.lines))
        within = {
            (linked.lines[place]["stream"], linked.lines[place]["seq"])
            for linked in traces
            for place in range(linked.trace.first, linked.trace.last + 1)
        }
        # The agent's own error lines are left out: they are the cause.
        errors = [
            line
            for line in read.lines
            if line["level"] == "error" and line["stream"] != "agent" and (line["stream"], line["seq"]) not in within
        ]
        return Diagnosis(
            attempt=attempt,
            explanations=exit_explanation.explanations(treatment, spec, runner),
            traces=traces[-_MOST_TRACES:],
            errors=errors[-_MOST_ERRORS:],
            last_lines=read.lines[-shown:] if shown else (),
            complete=read.complete,
        )


def _traces(lines: Sequence[Line]) -> Iterator[LinkedTrace]:
    """Yields traces in the order of their lines; each stream is read on its own, and repeated traces count once."""
    from cadence.domain.insight.stacktraces.recognising import (
        find,
    )  # imported here, as its patterns take a while to compile

    streams: defaultdict[str, list[Line]] = defaultdict(list)
    for line in lines:
        streams[line["stream"]].append(line)
    linked_traces = [
        LinkedTrace(trace, stream_lines)
        for stream_lines in streams.values()
        for trace in find([one["text"] for one in stream_lines])
    ]
    reported: set[tuple[object, ...]] = set()
    for linked in sorted(linked_traces, key=lambda one: one.lines[one.trace.first]["seq"]):
        trace = linked.trace
        place = trace.place
        identity = (trace.language, trace.error, trace.message, place and (place.file, place.line), len(trace.frames))
        if identity not in reported:
            reported.add(identity)
            yield linked
