"""Why a treatment ended as it did: its cause, what that means, the stack traces in its log, its last lines."""

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
    """`lines` are those of the stream that it was found in; the trace and its frames name them by their place."""

    trace: StackTrace
    lines: Sequence[Line]


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """`errors` are lines of the command that state an error and belong to no stack trace. `complete`: all lines of the attempt were read."""

    attempt: int
    explanations: Sequence[str]
    traces: Sequence[LinkedTrace]
    errors: Sequence[Line]
    last_lines: Sequence[Line]
    complete: bool


@dataclass(frozen=True)
class Diagnose:
    last_lines: LastLines

    def diagnose(
        self, treatment: Treatment, spec: TreatmentSpec, runner: Runner | None, attempt: int, shown: int
    ) -> Diagnosis:
        """Of one attempt, whose `runner` is given if it had one; `shown` is how many of the last lines are wanted."""
        ended = next(
            (change.at for change in reversed(treatment.history) if change.attempt == attempt), treatment.finished_at
        )
        over = treatment.state.final or attempt < treatment.attempt
        read = self.last_lines.read(treatment.run_id, treatment.name, attempt, _READ, ended if over else None)
        traces = list(_traces(read.lines))
        within = {
            (linked.lines[place]["stream"], linked.lines[place]["seq"])
            for linked in traces
            for place in range(linked.trace.first, linked.trace.last + 1)
        }
        # What the agent itself says of the end is the cause.
        errors = [
            line
            for line in read.lines
            if line["level"] == "error" and line["stream"] != "agent" and (line["stream"], line["seq"]) not in within
        ]
        current = attempt == treatment.attempt
        return Diagnosis(
            attempt=attempt,
            explanations=exit_explanation.explanations(treatment, spec, runner) if current else (),
            traces=traces[-_MOST_TRACES:],
            errors=errors[-_MOST_ERRORS:],
            last_lines=read.lines[-shown:] if shown else (),
            complete=read.complete,
        )


def _traces(lines: Sequence[Line]) -> Iterator[LinkedTrace]:
    """In the order of their lines. Each stream for itself, since lines of several interleave; what is told twice counts once."""
    from cadence.domain.insight.stacktraces.recognising import find  # its patterns take a while to be compiled

    streams: defaultdict[str, list[Line]] = defaultdict(list)
    for line in lines:
        streams[line["stream"]].append(line)
    found = [LinkedTrace(trace, those) for those in streams.values() for trace in find([one["text"] for one in those])]
    told: set[tuple[object, ...]] = set()
    for linked in sorted(found, key=lambda one: one.lines[one.trace.first]["seq"]):
        trace = linked.trace
        place = trace.place
        said = (trace.language, trace.error, trace.message, place and (place.file, place.line), len(trace.frames))
        if said not in told:
            told.add(said)
            yield linked
