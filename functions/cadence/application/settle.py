"""The end of an attempt: another attempt, or the treatment's final state, its values, and what follows from them."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from cadence.application.feed import Feeder
from cadence.application.ports import Clock, RunnerStore, RunStore
from cadence.application.runner_slots import RunnerSlots
from cadence.domain import ids, retrying
from cadence.domain.errors import Conflict, NotFound
from cadence.domain.run import Treatment, TreatmentSpec, TreatmentState, Value
from cadence.domain.runner import Outcome, OutputStream, Result, Runner, RunnerState

_LIVE = frozenset({TreatmentState.READY, TreatmentState.PLACING, TreatmentState.BOOTING, TreatmentState.RUNNING})
# What a machine's error means for the treatment; any other error counts as lost, and may be tried again.
_FINAL_ERRORS = {
    "Cancelled": TreatmentState.CANCELLED,
    "TimedOut": TreatmentState.TIMED_OUT,
    "ProviderRejected": TreatmentState.FAILED,
    "NotApproved": TreatmentState.FAILED,
}
_OUTCOMES = {
    Outcome.SUCCEEDED: TreatmentState.SUCCEEDED,
    Outcome.FAILED: TreatmentState.FAILED,
    Outcome.INFRASTRUCTURE: TreatmentState.LOST,
    Outcome.CANCELLED: TreatmentState.CANCELLED,
    Outcome.TIMED_OUT: TreatmentState.TIMED_OUT,
}


@dataclass(frozen=True)
class MachineError:
    """As the state machine caught it."""

    name: str
    cause: str

    @classmethod
    def caught(cls, error: Mapping[str, str] | None) -> "MachineError | None":
        """From a Catch's `{"Error", "Cause"}`. The cause of an error that a Lambda raised is JSON: its message is taken."""
        if error is None:
            return None
        cause = error.get("Cause", "")
        with suppress(ValueError, KeyError, TypeError):  # plain words already
            cause = json.loads(cause)["errorMessage"]
        return cls(error["Error"], cause)


@dataclass(frozen=True)
class Settlement:
    """What the machine does next."""

    retry: bool
    wait_seconds: int = 0


def following(settled: Settlement) -> str:
    """The word that the treatment machine goes on by."""
    if not settled.retry:
        return "done"
    return "wait" if settled.wait_seconds else "retry"


@dataclass(frozen=True)
class Settle:
    runs: RunStore
    runners: RunnerStore
    feeder: Feeder
    slots: RunnerSlots
    clock: Clock

    def __call__(self, run_id: str, treatment: str, attempt: int | None, error: MachineError | None) -> Settlement:
        """Whether another attempt is to be placed, and after how long. Safe to repeat.

        `attempt` is the one that ended; None if it could not be placed, which placing it again would not change.
        """
        stored = self.runs.get_treatment(run_id, treatment)
        if attempt in {None, stored.attempt}:
            # Before the attempt is left behind, so that no slot is: a repeated call does it again.
            self.slots.release(stored)
        if not stored.state.final and attempt in {None, stored.attempt}:
            stored = self._end(stored, error, placed=attempt is not None)
        if not stored.state.final:
            spec = self.runs.get_spec(run_id, treatment)
            return Settlement(retry=True, wait_seconds=retrying.wait_seconds(stored, spec.retry))
        self.feeder.settled(stored)
        return Settlement(retry=False)

    def _end(self, treatment: Treatment, error: MachineError | None, *, placed: bool) -> Treatment:
        runner = self._runner(treatment)
        result = runner.result if runner else None
        state, cause = _verdict(result, error)
        run = self.runs.get_run(treatment.run_id)
        if (
            result
            and result.outcome is Outcome.CANCELLED
            and runner
            and runner.cancel_reason
            and not run.stop_requested
            and not treatment.cancel_reason
        ):
            # The agent was told to stop, though nobody stopped the run: its time was over.
            state, cause = TreatmentState.TIMED_OUT, runner.cancel_reason
        if treatment.cancel_reason and state in {TreatmentState.LOST, TreatmentState.CANCELLED}:
            state, cause = TreatmentState.CANCELLED, treatment.cancel_reason
        spec = self.runs.get_spec(treatment.run_id, treatment.name)
        exit_code = result.exit_code if result else None
        wanted = placed and not run.stop_requested and not treatment.cancel_reason
        if wanted and retrying.may_retry(treatment, spec.retry, state, exit_code):
            return self._next_attempt(treatment, spec, state, cause)
        if state is TreatmentState.SUCCEEDED:
            outputs = self.runners.list_outputs(ids.runner_id(treatment.run_id, treatment.name, treatment.attempt))
            missing = _unfinished(spec, outputs)
            if missing:
                state, cause = TreatmentState.FAILED, f"output {missing} was never finished"
            else:
                self.runs.put_values(self._values(treatment, spec, outputs))
        self.runs.settle(treatment, state, cause, exit_code, self.clock())
        return self.runs.get_treatment(treatment.run_id, treatment.name)

    def _runner(self, treatment: Treatment) -> Runner | None:
        try:
            runner = self.runners.get_runner(ids.runner_id(treatment.run_id, treatment.name, treatment.attempt))
        except NotFound:
            return None
        if runner.state.live and runner.result is None:
            # From here on the attempt is over: what its runner still says is refused.
            try:
                live = {RunnerState.OFFERED, RunnerState.BOOTING, RunnerState.CLAIMED}
                return self.runners.change_runner(runner.runner_id, live, state=RunnerState.LOST)
            except Conflict:
                return self.runners.get_runner(runner.runner_id)
        return runner

    def _next_attempt(
        self, treatment: Treatment, spec: TreatmentSpec, state: TreatmentState, cause: str | None
    ) -> Treatment:
        counter = retrying.COUNTERS[state]
        counts = {counter: getattr(treatment, counter) + 1, "attempt": treatment.attempt + 1}
        seconds = retrying.wait_seconds(dataclasses.replace(treatment, **counts), spec.retry)
        return self.runs.advance(
            treatment.run_id,
            treatment.name,
            treatment.attempt,
            _LIVE,
            # While it waits it has no place, so that whoever stops the run ends it at once.
            TreatmentState.READY if seconds else TreatmentState.PLACING,
            cause=f"attempt {treatment.attempt}: {cause}",
            waiting_for=f"{seconds} s to pass before attempt {counts['attempt']}" if seconds else None,
            turnstiles=(),
            **counts,
        )

    def _values(self, treatment: Treatment, spec: TreatmentSpec, outputs: Sequence[OutputStream]) -> list[Value]:
        streams = {stream.port: stream for stream in outputs}
        now = self.clock()
        return [
            Value(
                run_id=treatment.run_id,
                treatment=treatment.name,
                port=port.port,
                flow=port.flow,
                type=port.type,
                sha256=stream.sha256,
                size=stream.size,
                chunks=stream.committed,
                attempt=treatment.attempt,
                preview=stream.preview,
                created_at=now,
            )
            for port in spec.outputs
            if (stream := streams.get(port.port)) is not None and stream.sha256 is not None
        ]


def _verdict(result: Result | None, error: MachineError | None) -> tuple[TreatmentState, str | None]:
    """The runner's own result wins over whatever its machine caught: it is what happened."""
    if result is not None:
        state = _OUTCOMES[result.outcome]
        if state is TreatmentState.SUCCEEDED:
            return state, None
        return state, result.error or f"ended with exit code {result.exit_code}"
    if error is None:
        return TreatmentState.LOST, "the runner's result was not found"
    return _FINAL_ERRORS.get(error.name, TreatmentState.LOST), error.cause or error.name


def _unfinished(spec: TreatmentSpec, outputs: Sequence[OutputStream]) -> str | None:
    ended = {stream.port for stream in outputs if stream.ended}
    return next((port.port for port in spec.outputs if port.type != "void" and port.port not in ended), None)
