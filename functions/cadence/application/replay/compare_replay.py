"""Compares a replay with the original: how it ended, what it sent, and what may explain the difference."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from cadence.application.replay.ports import ReplayStore
from cadence.application.runs.run_details import find_runner
from cadence.application.shared.run_ports import RunStore, TreatmentStore, ValueStore
from cadence.application.shared.runner_ports import RunnerStore
from cadence.application.shared.value_ports import Chunks
from cadence.domain.melodium.specification import ProgramSpec
from cadence.domain.pipelines.specification import REPORTS_PORT, OutputSpec, TreatmentKind, TreatmentSpec
from cadence.domain.replay.clues import ExecutionSite
from cadence.domain.replay.kinds import Execution, Guess, guesses
from cadence.domain.replay.moments import Stretch
from cadence.domain.replay.planning import name_in_replay
from cadence.domain.replay.verdict import (
    NOTHING,
    OutputContrast,
    OutputDigest,
    ReplayVerdict,
    contrasted,
    evidence,
    verdict,
)
from cadence.domain.runners.runner import Runner
from cadence.domain.runs.run import ReplayOf, Run, Treatment, Value
from cadence.domain.runs.states import TreatmentState
from cadence.domain.shared.errors import InvalidRequest, NotFound, Violation

LONGEST_COMPARED = 32 * 1024 * 1024
MOST_REPLAYS = 10
# Ends that are caused by the infrastructure, not by the treatment.
_TELLS_NOTHING = frozenset({TreatmentState.LOST, TreatmentState.CANCELLED, TreatmentState.SKIPPED})


@dataclass(frozen=True, kw_only=True)
class ReplayExecution:
    """One execution of the treatment. `values` are what it sent, by port.

    `inside` marks a treatment inside of an engine, which has no exit code of its own.
    """

    run: Run
    treatment: Treatment
    offline: bool
    outputs: Sequence[OutputSpec]
    runner: Runner | None
    values: Mapping[str, Value]
    inside: bool = False

    @property
    def final(self) -> bool:
        """Whether the execution has ended."""
        return self.treatment.state.final

    @property
    def tells(self) -> bool:
        """Whether its end is its own, so that it can be compared."""
        state = self.treatment.state
        return state.final and state not in _TELLS_NOTHING and self.treatment.started_at is not None

    @property
    def host(self) -> str | None:
        """The host name of its runner, if known."""
        return str(self.runner.facts["hostname"]) if self.runner and self.runner.facts.get("hostname") else None

    @property
    def execution(self) -> Execution:
        """The facts by which executions are compared."""
        digests = {port: value.sha256 for port, value in self.values.items()}
        exit_code = None if self.inside else self.treatment.exit_code
        return Execution(str(self.treatment.state), exit_code, digests, self.offline)

    @property
    def side(self) -> ExecutionSite:
        """The time and the host of the execution."""
        begin = self.treatment.started_at or self.run.created_at
        return ExecutionSite(Stretch(begin, self.treatment.finished_at or begin), self.host)


@dataclass(frozen=True, kw_only=True)
class ReplayComparison:
    """The result of a comparison.

    `first` states what differs first and where, or why there is no result. `considered` are the other replays that the
    guesses are based on.
    """

    original: ReplayExecution
    replay: ReplayExecution
    verdict: ReplayVerdict
    first: str | None = None
    outputs: Sequence[OutputContrast] = ()
    guesses: Sequence[Guess] = ()
    considered: Sequence[str] = field(default=())


@dataclass(frozen=True, kw_only=True)
class CompareReplay:
    """Compares replays with their originals."""

    runs: RunStore
    treatments: TreatmentStore
    values: ValueStore
    runners: RunnerStore
    chunks: Chunks
    store: ReplayStore

    def compare(self, run: Run) -> ReplayComparison:
        """Returns the comparison.

        Raises InvalidRequest if `run` is no replay, NotFound if the original is no longer kept.
        """
        if run.replay_of is None:
            message = f"Run {run.run_id} is no replay: there is nothing to compare it with."
            raise InvalidRequest(message, [Violation("run_id", message)])
        replay = self._execution(run, name_in_replay(run.replay_of.treatment))
        original = self._original(run.replay_of)
        if replay is None or not replay.final:
            return ReplayComparison(
                original=original, replay=replay or self._unadmitted(run, original), verdict=ReplayVerdict.PENDING
            )
        for execution, which in ((original, "The original"), (replay, "The replay")):
            if not execution.tells:
                why = f"{which} ended {execution.treatment.state}: {execution.treatment.cause or 'no cause is known'}"
                return ReplayComparison(original=original, replay=replay, verdict=ReplayVerdict.INCONCLUSIVE, first=why)
        if unknown := _without_digest(original, replay):
            why = (
                f"what went through {unknown.port} cannot be compared: {unknown.retention and unknown.retention.reason}"
            )
            return ReplayComparison(original=original, replay=replay, verdict=ReplayVerdict.INCONCLUSIVE, first=why)
        outputs = self._outputs(original, replay)
        others = self._others(run.replay_of, run.run_id)
        then, now = original.execution, replay.execution
        decided, first = verdict(then, now, outputs)
        clues = evidence(then, now, outputs, (original.side, replay.side), [other.execution for other in others])
        considered = [other.run.run_id for other in others]
        return ReplayComparison(
            original=original,
            replay=replay,
            verdict=decided,
            first=first,
            outputs=outputs,
            guesses=guesses(clues),
            considered=considered,
        )

    def _original(self, of: ReplayOf) -> ReplayExecution:
        try:
            return self.ended(self.runs.get_run(of.run_id), of.treatment)
        except NotFound:
            raise NotFound(f"Run {of.run_id}, which was replayed, is no longer kept.") from None

    def _execution(self, run: Run, name: str) -> ReplayExecution | None:
        try:
            return self.ended(run, name)
        except NotFound:
            return None

    def ended(self, run: Run, name: str) -> ReplayExecution:
        """Returns a treatment as it was executed in that run. Raises NotFound."""
        context = self.treatments.get_context(run.run_id, name)
        spec, treatment = context.spec, context.treatment
        # Reports of tests have times in them, so that no two are equal.
        outputs = tuple(port for port in spec.outputs if port.port != REPORTS_PORT)
        values = self.values.get_values(run.run_id, [(name, port.port) for port in outputs])
        return ReplayExecution(
            run=run,
            treatment=treatment,
            offline=spec.offline,
            outputs=outputs,
            runner=find_runner(self.runners, treatment),
            values={value.port: value for value in values},
            inside=spec.kind is TreatmentKind.ELEMENT or _is_captured(spec),
        )

    def _unadmitted(self, run: Run, original: ReplayExecution) -> ReplayExecution:
        treatment = Treatment(run_id=run.run_id, name=original.treatment.name, state=TreatmentState.PENDING, waiting=0)
        return ReplayExecution(
            run=run, treatment=treatment, offline=False, outputs=original.outputs, runner=None, values={}
        )

    def _others(self, of: ReplayOf, but: str) -> Sequence[ReplayExecution]:
        names = [name for name in self.store.newest(of, MOST_REPLAYS) if name != but]
        runs = self.runs.get_runs(names)
        executions = [self._execution(runs[name], name_in_replay(of.treatment)) for name in names if name in runs]
        return [execution for execution in executions if execution is not None and execution.tells]

    def _outputs(self, original: ReplayExecution, replay: ReplayExecution) -> Sequence[OutputContrast]:
        """Compares the outputs in their order; the bytes read of those that differ are bounded in total."""
        contrasts, remaining = [], LONGEST_COMPARED
        taken = {port.port for port in replay.outputs}
        for port in original.outputs:
            if original.inside and port.port not in taken:
                continue  # its program did not use it
            if port.type != "void" or original.inside:
                contrasts.append(self._output(port, original, replay, remaining))
                if not contrasts[-1].equal:
                    remaining -= min(
                        remaining, max(sent.size for sent in (contrasts[-1].then, contrasts[-1].now, NOTHING) if sent)
                    )
        return contrasts

    def _output(
        self, port: OutputSpec, original: ReplayExecution, replay: ReplayExecution, limit: int
    ) -> OutputContrast:
        then, now = original.values.get(port.port), replay.values.get(port.port)
        sent = _sent(then), _sent(now)
        passed = next((value.retention for value in (then, now) if value and value.passes), None)
        if passed and sent[0] != sent[1]:
            return OutputContrast(
                port=port, then=sent[0], now=sent[1], note=f"what was sent is not kept: {passed.reason}"
            )
        if original.inside:
            sent = sent[0] or NOTHING, sent[1] or NOTHING
        try:
            return contrasted(port, sent, (self._content(then), self._content(now)), limit)
        except NotFound:
            return OutputContrast(
                port=port, then=sent[0], now=sent[1], note="what was sent is no longer kept, only its digest"
            )

    def _content(self, value: Value | None) -> Iterator[bytes]:
        if value is not None:
            yield from self.chunks.read_whole(value.chunk_keys)


def _without_digest(*ends: ReplayExecution) -> Value | None:
    return next((value for end in ends for value in end.values.values() if value.digest is None), None)


def _is_captured(spec: TreatmentSpec) -> bool:
    return isinstance(spec.engine, ProgramSpec) and spec.engine.captured is not None


def _sent(value: Value | None) -> OutputDigest | None:
    return OutputDigest(value.sha256, value.size) if value else None
