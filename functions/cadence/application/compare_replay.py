"""A replay held against the original: how it ended, what it sent, and what that tells."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from cadence.application.look_into_run import find_runner
from cadence.application.ports import RunnerStore, RunStore
from cadence.application.replay_ports import ReplayStore
from cadence.application.runner_ports import Chunks
from cadence.domain.errors import InvalidRequest, NotFound, Violation
from cadence.domain.replay.clues import Reading, Side, read
from cadence.domain.replay.contrast import Contrast, contrast, form_of
from cadence.domain.replay.kinds import Evidence, Execution, Guess, guesses
from cadence.domain.replay.moments import Stretch
from cadence.domain.replay.pieces import upto
from cadence.domain.run import OutputSpec, ReplayOf, Run, Treatment, TreatmentState, Value
from cadence.domain.runner import Runner

LONGEST_COMPARED = 32 * 1024 * 1024
MOST_REPLAYS = 10
# What an end of this kind says about is the infrastructure, not the treatment.
_TELLS_NOTHING = frozenset({TreatmentState.LOST, TreatmentState.CANCELLED, TreatmentState.SKIPPED})


class Verdict(StrEnum):
    PENDING = "pending"  # the replay goes on
    DETERMINISTIC = "deterministic"  # the same, byte by byte
    EQUIVALENT = "equivalent"  # the same values, written differently
    DIFFERS = "differs"
    INCONCLUSIVE = "inconclusive"  # one of the two did not end by itself


@dataclass(frozen=True)
class Ended:
    """One execution of the treatment. `values` are what it sent, by port."""

    run: Run
    treatment: Treatment
    offline: bool
    outputs: Sequence[OutputSpec]
    runner: Runner | None
    values: Mapping[str, Value]

    @property
    def final(self) -> bool:
        return self.treatment.state.final

    @property
    def tells(self) -> bool:
        """Whether its end is one of its own."""
        state = self.treatment.state
        return state.final and state not in _TELLS_NOTHING and self.treatment.started_at is not None

    @property
    def host(self) -> str | None:
        return str(self.runner.facts["hostname"]) if self.runner and self.runner.facts.get("hostname") else None

    @property
    def execution(self) -> Execution:
        digests = {port: value.sha256 for port, value in self.values.items()}
        return Execution(str(self.treatment.state), self.treatment.exit_code, digests, self.offline)

    def side(self, now: datetime) -> Side:
        begin = self.treatment.started_at or self.run.created_at
        return Side(Stretch(begin, self.treatment.finished_at or now), self.host)


@dataclass(frozen=True)
class OutputContrast:
    """`contrast` is None where the digests say enough, or where `note` says why it was not possible."""

    port: OutputSpec
    then: Value | None
    now: Value | None
    contrast: Contrast | None = None
    note: str | None = None

    @property
    def equal(self) -> bool:
        return (self.then and self.then.sha256) == (self.now and self.now.sha256)


@dataclass(frozen=True)
class Comparison:
    """`first` says what differs first and where, or why there is nothing to say. `considered` are the other replays that the
    guesses go by."""

    original: Ended
    replay: Ended
    verdict: Verdict
    first: str | None = None
    outputs: Sequence[OutputContrast] = ()
    guesses: Sequence[Guess] = ()
    considered: Sequence[str] = field(default=())


@dataclass(frozen=True)
class CompareReplay:
    runs: RunStore
    runners: RunnerStore
    chunks: Chunks
    store: ReplayStore

    def __call__(self, run: Run) -> Comparison:
        """Raises InvalidRequest if `run` is no replay, NotFound if the original is no longer kept."""
        if run.replay_of is None:
            message = f"Run {run.run_id} is no replay: there is nothing to compare it with."
            raise InvalidRequest(message, [Violation("run_id", message)])
        replay = self._found(run, run.replay_of.treatment)
        original = self._original(run.replay_of)
        if replay is None or not replay.final:
            return Comparison(original, replay or self._unadmitted(run, original), Verdict.PENDING)
        for one, which in ((original, "The original"), (replay, "The replay")):
            if not one.tells:
                why = f"{which} was {one.treatment.state}: {one.treatment.cause or 'no cause is known'}"
                return Comparison(original, replay, Verdict.INCONCLUSIVE, why)
        outputs = [self._output(port, original, replay) for port in original.outputs if port.type != "void"]
        others = self._others(run.replay_of, run.run_id)
        verdict, first = _verdict(original, replay, outputs)
        evidence = _evidence(original, replay, outputs, others)
        considered = [other.run.run_id for other in others]
        return Comparison(original, replay, verdict, first, outputs, guesses(evidence), considered)

    def _original(self, of: ReplayOf) -> Ended:
        try:
            return self.ended(self.runs.get_run(of.run_id), of.treatment)
        except NotFound:
            raise NotFound(f"Run {of.run_id}, which was replayed, is no longer kept.") from None

    def _found(self, run: Run, name: str) -> Ended | None:
        try:
            return self.ended(run, name)
        except NotFound:
            return None

    def ended(self, run: Run, name: str) -> Ended:
        """A treatment as it ran there. Raises NotFound."""
        standing = self.runs.get_standing(run.run_id, name)
        spec, treatment = standing.spec, standing.treatment
        values = self.runs.get_values(run.run_id, [(name, port.port) for port in spec.outputs])
        return Ended(
            run,
            treatment,
            spec.offline,
            spec.outputs,
            find_runner(self.runners, treatment),
            {value.port: value for value in values},
        )

    def _unadmitted(self, run: Run, original: Ended) -> Ended:
        treatment = Treatment(run.run_id, original.treatment.name, TreatmentState.PENDING, 0)
        return Ended(run, treatment, False, original.outputs, None, {})

    def _others(self, of: ReplayOf, but: str) -> Sequence[Ended]:
        names = [name for name in self.store.newest(of, MOST_REPLAYS) if name != but]
        known = self.runs.get_runs(names)
        found = [self._found(known[name], of.treatment) for name in names if name in known]
        return [one for one in found if one is not None and one.tells]

    def _output(self, port: OutputSpec, original: Ended, replay: Ended) -> OutputContrast:
        then, now = original.values.get(port.port), replay.values.get(port.port)
        if then is None or now is None or then.sha256 == now.sha256:
            return OutputContrast(port, then, now)
        try:
            found = contrast(form_of(port.type, port.path), self._content(then), self._content(now))
        except NotFound:
            return OutputContrast(port, then, now, note="what was sent is no longer kept, only its digest")
        cut = max(then.size, now.size) > LONGEST_COMPARED
        if found.first is None and cut:
            return OutputContrast(port, then, now, note=f"the first {LONGEST_COMPARED >> 20} MiB are the same")
        return OutputContrast(port, then, now, found)

    def _content(self, value: Value) -> Iterator[bytes]:
        keys = [value.chunk_key(seq) for seq in range(value.chunks)]
        return upto(self.chunks.read_whole(keys), LONGEST_COMPARED)


def _verdict(original: Ended, replay: Ended, outputs: Sequence[OutputContrast]) -> tuple[Verdict, str | None]:
    then, now = original.execution, replay.execution
    if then.ending != now.ending:
        return Verdict.DIFFERS, f"it {then.words()} then, and {now.words()} now"
    differing = [output for output in outputs if not output.equal]
    if not differing:
        return Verdict.DETERMINISTIC, None
    real = [output for output in differing if not (output.contrast and output.contrast.same_values)]
    verdict = Verdict.DIFFERS if real else Verdict.EQUIVALENT
    return verdict, _words((real or differing)[0])


def _words(output: OutputContrast) -> str:
    name = f"output {output.port.port}"
    if output.then is None or output.now is None:
        return f"{name} was {'not sent then' if output.then is None else 'sent then'}, but {'is' if output.now else 'not'} now"
    if output.contrast is None or output.contrast.first is None:
        return f"{name} differs; {output.note}"
    how = " (the values are equal)" if output.contrast.same_values else ""
    return f"{name} differs first in {output.contrast.first.words()}{how}"


def _evidence(original: Ended, replay: Ended, outputs: Sequence[OutputContrast], others: Sequence[Ended]) -> Evidence:
    now = replay.treatment.finished_at or replay.run.created_at
    then_side, now_side = original.side(now), replay.side(now)
    readings: dict[str, Reading] = {}
    reordered = []
    for output in outputs:
        found = output.contrast
        if output.equal or (found and found.same_values):
            continue
        if found and found.reordered:
            reordered.append(output.port.port)
        readings[output.port.port] = read(found.pairs if found else (), then_side, now_side)
    executions = [replay.execution, *(other.execution for other in others)]
    return Evidence(original.execution, executions, readings, reordered)
